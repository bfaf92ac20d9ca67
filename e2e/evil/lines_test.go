// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assist/internal/refusal"
)

// silent are the lies that leave no line at the end which was lied to, each with the reason:
// about a message as a whole, or about a field. All others that are noticed leave one.
func silent() map[string]string {
	const (
		nothing = "nothing comes, as from a server that is away: the person reads that there is no connection, or no answer"
		waits   = "likewise; the technician's app keeps a line when the time to answer is over, see TestSilenceLeavesALine"
		unsaid  = "the app says that the report was not confirmed, and tells it again"
		word    = "what the server says of an end is its own word, and shown as that; the question ends at the host"
		held    = "kept back from an app that has none: the home page says that the unit's rules have not come"
	)
	all := map[string]string{
		"CharterNotice.epoch": held, "CharterNotice dropped": held, "Bye.session": word, "Bye.reason": word, "Bye dropped": word, "Bye late": word, "Bye doubled": word, "Bye that of others": word, "Bye that of the past": word,
		"Bye after that of the past": word,
	}
	for kind, why := range map[string]string{
		"Challenge": nothing, "HostHello": nothing, "TechnicianHello": nothing, "Checkpoint": nothing, "CheckpointAsk": nothing,
		"Enrol": nothing, "EnrolSecret": nothing, "EnrolConfirm": nothing, "Enrolled": nothing,
		"Ring": waits, "Refused": waits, "Report": unsaid, "Reported": unsaid,
	} {
		all[kind+" dropped"], all[kind+" late"] = why, why
	}
	for _, kind := range []string{"Ask", "Answered", "Signal"} { // kept back, they come too late
		all[kind+" dropped"] = waits
	}
	return all
}

// excuse is why a lie may leave no line, and under which name; empty when it has to.
func (j job) excuse() (name, why string) {
	name = j.field
	if name == "" {
		name = j.track.kind + " " + j.how
	}
	return name, silent()[name]
}

// kept reports whether the end that was lied to keeps something about it: a line, or, once
// the person had said yes, the receipt of what came to nothing. What is said to the server is
// a lie about both ends.
func (j job) kept(e *ends) bool {
	lines := e.lines()
	has := func(s refusal.Side) bool {
		return slices.ContainsFunc(lines, func(l refusal.Line) bool { return l.Side == s })
	}
	receipt := j.scene.name != "report" && len(e.kept()) > 0 // that one has a receipt of something else
	switch {
	case !j.track.up && j.track.side == technicianSide:
		return has(refusal.Helper)
	case !j.track.up && j.track.side == hostSide:
		return has(refusal.Helped) || receipt
	}
	return len(lines) > 0 || receipt
}

// keep opens the books of both apps.
func (e *ends) keep(log *slog.Logger) {
	for i := range e.books {
		e.files[i] = filepath.Join(e.b.t.TempDir(), "refused.json")
		e.books[i] = refusal.Open(e.files[i], log)
	}
}

// refuses is how an app keeps a line.
func (e *ends) refuses(app int) func(string, error) {
	side := [2]refusal.Side{refusal.Helped, refusal.Helper}[app]
	return func(what string, why error) { e.books[app].Add(side, what, why) }
}

// lines are what the apps keep of what they refused.
func (e *ends) lines() []refusal.Line {
	var all []refusal.Line
	for _, b := range e.books {
		l, _ := b.List()
		all = append(all, l...)
	}
	return all
}

// lasting: the lines are there when the apps are started again, and name nobody but whom the
// unit certified, as the one who asked.
func (e *ends) lasting() error {
	for i, b := range e.books {
		b.Flush()
		was, _ := b.List()
		is, _ := refusal.Open(e.files[i], e.logger()).List()
		if !slices.EqualFunc(was, is, func(l, m refusal.Line) bool {
			return l.First.Equal(m.First) && l.Last.Equal(m.Last) && l.Side == m.Side && l.What == m.What && l.Why == m.Why && l.Who == m.Who && l.Count == m.Count
		}) {
			return fmt.Errorf("%w: the book says %v, its file %v", errWrong, was, is)
		}
		text, err := os.ReadFile(e.files[i])
		if err != nil && len(was) > 0 {
			return err
		}
		for _, who := range e.b.ground.people {
			text = bytes.ReplaceAll(text, []byte(fmt.Sprintf(`"who":%q`, who.name)), nil)
		}
		for _, secret := range []string{password, "Imprimante", "Claire", "Paul", "claire", "paul", "127.0.0.1", "INCI", e.b.ground.machines[0].number} {
			if strings.Contains(string(text), secret) {
				return fmt.Errorf("%w: the book says %q", errWrong, secret)
			}
		}
	}
	return nil
}
