// SPDX-License-Identifier: Apache-2.0

package server

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

const goodPassword = "quiet lanterns cross the ford"

// invite adds a technician and returns the code and a device to enrol.
func (r *rig) invite(login string) (string, *trust.DeviceKey) {
	r.t.Helper()
	code, err := r.AddTechnician(r.t.Context(), Technician{Login: login, Name: "Paul Roux", Role: "Mechanic", Zones: []string{"B2"}})
	must(r.t, err)
	k, err := trust.NewDeviceKey()
	must(r.t, err)
	return code, k
}

func (c *client) enrol(code, password string, k *trust.DeviceKey) {
	c.t.Helper()
	c.send(&wire.Enrol{Version: wire.Version, Code: code, Password: password, DeviceKey: k.Public(), Signature: c.sign(k, trust.RoleEnrol)})
}

// scan reads the secret as a phone would.
func (c *client) scan(k *trust.DeviceKey) *person {
	c.t.Helper()
	m := expect[*wire.EnrolSecret](c)
	key, err := otp.NewKeyFromURL(m.URL)
	must(c.t, err)
	if key.Issuer() != "INCI" || key.AccountName() != m.Login {
		c.t.Fatalf("url is %s", m.URL)
	}
	return &person{m.Login, key.Secret(), k}
}

func TestEnrolmentFromCodeToFirstRequest(t *testing.T) {
	r := served(t)
	host := r.host(0)
	code, k := r.invite("paul")
	c := r.dial()
	c.enrol(strings.ToLower(strings.ReplaceAll(code, "-", " ")), goodPassword, k)
	p := c.scan(k)
	c.send(&wire.EnrolConfirm{TOTP: r.code(p, 0)})
	cert, err := trust.VerifyCertificate(expect[*wire.Enrolled](c).Certificate, r.fix.unit.Public(), r.now())
	must(t, err)
	if cert.Name != "Paul Roux" || cert.Role != "Mechanic" || len(cert.Zones) != 1 || cert.Zones[0] != "B2" {
		t.Errorf("certificate is %+v", cert)
	}
	c.closed()

	c = r.dial()
	c.login(p, goodPassword)
	env := expect[*wire.TechnicianReady](c).Certificate
	_, request := r.request(p, env, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: request})
	c.refused(wire.RefusedIdentity) // the code that confirmed is spent
	r.advance(totpStep * time.Second)
	_, request = r.request(p, env, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: request})
	expect[*wire.Ring](host)
	if e := entries[*journal.TechnicianEnrolled](r); len(e) != 1 || e[0].Login != "paul" {
		t.Errorf("journal: %+v", e)
	}
}

func TestEnrolmentWithTheUnitKeyClosedAwaitsTheSignature(t *testing.T) {
	r := served(t, func(s *Server) { s.unitKey = nil })
	code, k := r.invite("paul")
	c := r.dial()
	c.enrol(code, goodPassword, k)
	p := c.scan(k)
	c.send(&wire.EnrolConfirm{TOTP: r.code(p, 0)})
	if m := expect[*wire.Enrolled](c); len(m.Certificate) != 0 {
		t.Error("a certificate without the unit key")
	}
	list, err := r.Technicians(t.Context())
	must(t, err)
	if len(list) != 1 || list[0].State != StateUnsigned {
		t.Errorf("list is %+v", list)
	}
}

func TestEnrolmentCodeIsGoodOnce(t *testing.T) {
	r := served(t)
	code, k := r.invite("paul")
	// Both hold the same code, and both are asked to confirm.
	first, second := r.dial(), r.dial()
	first.enrol(code, goodPassword, k)
	p := first.scan(k)
	thief, err := trust.NewDeviceKey()
	must(t, err)
	second.enrol(code, goodPassword, thief)
	q := second.scan(thief)
	first.send(&wire.EnrolConfirm{TOTP: r.code(p, 0)})
	expect[*wire.Enrolled](first)
	second.send(&wire.EnrolConfirm{TOTP: r.code(q, 0)})
	second.refused(wire.RefusedIdentity)
	second.closed()
	third := r.dial()
	third.enrol(code, goodPassword, thief)
	third.refused(wire.RefusedIdentity)
	r = r.restart()
	fourth := r.dial()
	fourth.enrol(code, goodPassword, thief)
	fourth.refused(wire.RefusedIdentity)
}

func TestEnrolmentCodeRunsOut(t *testing.T) {
	r := served(t)
	code, k := r.invite("paul")
	late := r.dial()
	late.enrol(code, goodPassword, k)
	p := late.scan(k)
	r.advance(24*time.Hour + time.Second)
	late.send(&wire.EnrolConfirm{TOTP: r.code(p, 0)})
	late.refused(wire.RefusedIdentity)
	c := r.dial()
	c.enrol(code, goodPassword, k)
	c.refused(wire.RefusedIdentity)

	// The administrator may invite again; the old code stays dead.
	fresh, _ := r.invite("paul")
	c = r.dial()
	c.enrol(code, goodPassword, k)
	c.refused(wire.RefusedIdentity)
	c = r.dial()
	c.enrol(fresh, goodPassword, k)
	c.scan(k)
}

func TestEnrolmentRefusesWrongProofs(t *testing.T) {
	r := served(t)
	code, k := r.invite("paul")
	c := r.dial()
	c.enrol("00000-00000-00000-00000", goodPassword, k)
	c.refused(wire.RefusedIdentity)
	c = r.dial()
	c.send(&wire.Enrol{Version: wire.Version, Code: code, Password: goodPassword, DeviceKey: k.Public(), Signature: c.sign(k, trust.RoleTechnician)})
	c.refused(wire.RefusedIdentity)
	c = r.dial()
	c.enrol(code, "short", k)
	c.refused(wire.RefusedPassword)
	c = r.dial()
	c.enrol(code, goodPassword, k)
	c.scan(k)
	for range maxConfirms {
		c.send(&wire.EnrolConfirm{TOTP: "000000"})
		c.refused(wire.RefusedIdentity)
	}
	c.refused(wire.RefusedIdentity)
	c.closed()
	// None of it used the code up.
	c = r.dial()
	c.enrol(code, goodPassword, k)
	c.scan(k)
}

func TestPasswordRules(t *testing.T) {
	r := unserved(t)
	for password, good := range map[string]bool{
		"":                                        false,
		"fourteen chars":                          false,
		goodPassword:                              true,
		"éàùçœæïôûî éàùç":                         true, // characters count, not bytes
		"éàùçœæïôûîéàùç":                          false,
		"aaaaaaaaaaaaaaaaaaaaaaaa":                false,
		"abababababababababab":                    false,
		"PasswordPassword":                        false,
		"MotDePasseMotDePasse":                    false,
		"motdepasse123456789!":                    false,
		"azertyuiopqsdfgh":                        false,
		"1234567890123456":                        false,
		"claire.dubois2024":                       false,
		"clairedubois/CLAIREDUBOIS":               false,
		strings.Repeat("abcdefgh ", 28):           true,  // 252 bytes
		strings.Repeat("abcdefgh ", 28) + "12345": false, // 257
	} {
		if err := r.checkPassword(password, "claire.dubois"); (err == nil) != good {
			t.Errorf("%q: %v", password, err)
		}
	}
	r.cfg.Accounts.PasswordMin = 12
	must(t, r.checkPassword("green otters", "claire"))
}

func TestPasswordHash(t *testing.T) {
	r := unserved(t)
	stored, err := r.hashPassword(t.Context(), goodPassword)
	must(t, err)
	again, err := r.hashPassword(t.Context(), goodPassword)
	must(t, err)
	if stored == again || !strings.HasPrefix(stored, "$argon2id$v=19$m=65536,t=3,p=1$") || strings.Contains(stored, goodPassword) {
		t.Errorf("hashes are %s and %s", stored, again)
	}
	for password, want := range map[string]bool{goodPassword: true, goodPassword + " ": false, "": false} {
		if is, err := r.passwordIs(t.Context(), stored, password); err != nil || is != want {
			t.Errorf("%q: %v, %v", password, is, err)
		}
	}
	for _, broken := range []string{"", "$", "$argon2id$v=19$m=1,t=1,p=1$!!$!!", stored[:len(stored)-4], "$argon2id$v=18" + stored[14:]} {
		if is, err := r.passwordIs(t.Context(), broken, goodPassword); err != nil || is {
			t.Errorf("%q lets in: %v", broken, err)
		}
	}
}

func TestTechnicianFieldsAreChecked(t *testing.T) {
	r := unserved(t)
	good := Technician{Login: "claire.dubois@x-1_2", Name: "Claire", Role: "IT", Zones: []string{"a", "b"}}
	_, err := r.AddTechnician(t.Context(), good)
	must(t, err)
	for name, spoil := range map[string]func(*Technician){
		"login empty":   func(w *Technician) { w.Login = "" },
		"login upper":   func(w *Technician) { w.Login = "Claire" },
		"login star":    func(w *Technician) { w.Login = "a*" },
		"login dot":     func(w *Technician) { w.Login = ".a" },
		"login long":    func(w *Technician) { w.Login = strings.Repeat("a", 65) },
		"name empty":    func(w *Technician) { w.Name = "" },
		"name spaces":   func(w *Technician) { w.Name = " Claire" },
		"name control":  func(w *Technician) { w.Name = "Cl\naire" },
		"role long":     func(w *Technician) { w.Role = strings.Repeat("a", 101) },
		"zones many":    func(w *Technician) { w.Zones = strings.Split("a,b,c,d,e,f,g,h,i", ",") },
		"zone comma":    func(w *Technician) { w.Zones = []string{"a,b"} },
		"zone empty":    func(w *Technician) { w.Zones = []string{""} },
		"name not utf8": func(w *Technician) { w.Name = "\xff" },
	} {
		w := good
		w.Login = "other"
		spoil(&w)
		if _, err := r.AddTechnician(t.Context(), w); err == nil {
			t.Errorf("%s was taken: %+v", name, w)
		}
	}
}

func TestAddRefusesAnEnrolledLoginAndReinvitesADisabledOne(t *testing.T) {
	r := unserved(t)
	r.enrolled("claire")
	who := Technician{Login: "claire", Name: "Claire", Role: "IT"}
	if _, err := r.AddTechnician(t.Context(), who); err == nil {
		t.Error("an enrolled account was taken over")
	}
	must(t, r.DisableTechnician(t.Context(), "claire"))
	if err := r.DisableTechnician(t.Context(), "claire"); err == nil {
		t.Error("disabled twice")
	}
	if err := r.DisableTechnician(t.Context(), "nobody"); err == nil {
		t.Error("disabled nobody")
	}
	_, err := r.AddTechnician(t.Context(), who)
	must(t, err)
	a, err := r.store.accountBy(t.Context(), "login", "claire")
	must(t, err)
	if a.password != "" || a.deviceKey != nil || a.totpSealed != nil || a.certificate != nil {
		t.Errorf("old factors are left: %+v", a)
	}
}
