// SPDX-License-Identifier: Apache-2.0

package process

// Rights is what this process may do beyond what every program of its user may.
type Rights struct {
	User         int      `json:"uid"` // -1 where users have no numbers
	Group        int      `json:"gid"`
	Groups       []int    `json:"groups"`
	Capabilities []string `json:"capabilities"` // beyond those that give nothing away; Linux
	SetID        bool     `json:"set_id"`       // the program file is setuid or setgid, or was run as such
	Sudo         bool     `json:"sudo"`         // started through sudo or pkexec for another user
	Elevated     bool     `json:"elevated"`     // root, or an elevated administrator
}

// Privileged reports whether that is more than an ordinary user's own rights.
func (r Rights) Privileged() bool {
	return r.Elevated || r.SetID || r.Sudo || len(r.Capabilities) > 0
}

// Own returns the rights of this process.
func Own() Rights { return own() }

// Elevated reports whether the app runs with more than the rights of the person
// whose screen it would share. Such an app must not share: helping happens with the
// user's own rights.
func Elevated() bool { return Own().Privileged() }
