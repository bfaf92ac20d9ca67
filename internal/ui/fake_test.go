// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// fake is every port in memory. Its lock guards all fields, since the screens call some
// ports from other goroutines.
type fake struct {
	mu       sync.Mutex
	now      time.Time
	hidden   bool         // another window lies over the dialog
	real     bool         // a device was pressed just now
	played   bool         // by a program
	at       *image.Point // in the window; nil: wherever it has to be
	begun    time.Time    // of the press; zero: in time
	typing   bool         // it was the keyboard
	prefs    Preferences
	helped   HelpedState
	helper   HelperState
	receipts []Receipt
	recent   []Recent
	refusals []Refusal
	older    int   // refusals beyond those
	fault    error // what the next slow call returns
	cuts     []wire.EndReason
	paused   []bool
	taken    int
	fixed    bool // the administrator chose the server
	asked    []AskForm
	calls    []string
	request  *fakeRequest
	opened   []Opening
	page     string // of the receipt saved last
	layout   screen.Layout
	stir     [2]chan struct{} // helped, helper
}

func newFake() *fake {
	f := &fake{now: time.Date(2026, 11, 21, 11, 43, 0, 0, time.UTC), prefs: Preferences{Language: "fr", Theme: "light"}}
	f.helped = HelpedState{Joined: true, Machine: "482917305566", Unit: "INCI", Server: "assist.inci.example.fr", Phase: PhaseReady}
	f.stir = [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	return f
}

func card() consent.Card {
	return consent.Card{
		Name: "Camille Fontaine", Role: "Assistance informatique", Unit: "INCI",
		Until: time.Date(2027, 2, 12, 12, 0, 0, 0, time.UTC),
	}
}

func (f *fake) config(app fyne.App) Config {
	return Config{
		App: app, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Store: fakeStore{f}, Helped: fakeHelped{f},
		Reins: f, Receipts: fakeReceipts{f}, Refusals: fakeRefusals{f}, Joiner: f, Trial: fakeTrial{f}, Helper: fakeHelper{f}, Account: f, Asking: f,
		Check: fakeCheck, Genuine: f.genuine, Clear: f.clear, Now: f.clock, Session: f.open, Version: "0.1",
		Monitors: func() screen.Layout { return f.layout }, Locale: "fr_FR.UTF-8",
	}
}

// set changes the state under the lock.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// clear says that dialogs are seen whole.
func (f *fake) clear(uintptr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.hidden
}

// genuine is a press of the device that acts were last made with, where and when it was
// when that is said.
func (f *fake) genuine(p Press) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at != nil && !f.at.In(p.Area) || !f.begun.IsZero() && f.begun.Before(p.Since) {
		return false
	}
	return f.real && (p.By == ActSpace) == f.typing && !(f.played && p.Strict)
}
func (f *fake) clock() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now }
func (f *fake) open(o Opening)   { f.set(func() { f.opened = append(f.opened, o) }) }

// pass lets time go by.
func (f *fake) pass(d time.Duration) { f.set(func() { f.now = f.now.Add(d) }) }

var errDigit = errors.New("check digit")

// fakeCheck takes numbers whose digits sum to a multiple of ten; 482917305566 does not, so it
// is let through by name.
func fakeCheck(id string) error {
	sum := 0
	for _, r := range id {
		sum += int(r - '0')
	}
	if len(id) != wire.MachineDigits || sum%10 != 0 && id != "482917305566" {
		return errDigit
	}
	return nil
}

type fakeStore struct{ f *fake }

func (s fakeStore) Load() Preferences { return s.f.prefs }
func (s fakeStore) Save(p Preferences) error {
	s.f.set(func() { s.f.prefs = p })
	return nil
}

type fakeHelped struct{ f *fake }

func (h fakeHelped) State() HelpedState {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	return h.f.helped
}
func (h fakeHelped) Changed() <-chan struct{} { return h.f.stir[0] }

type fakeHelper struct{ f *fake }

func (h fakeHelper) State() HelperState {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	return h.f.helper
}
func (h fakeHelper) Changed() <-chan struct{} { return h.f.stir[1] }

func (f *fake) Cut(why wire.EndReason) {
	f.set(func() { f.cuts = append(f.cuts, why); f.helped.Live = nil })
}
func (f *fake) SetPaused(on bool) { f.set(func() { f.paused = append(f.paused, on) }) }
func (f *fake) TakeBack()         { f.set(func() { f.taken++ }) }

type fakeReceipts struct{ f *fake }

func (r fakeReceipts) List() ([]Receipt, error) { return r.f.receipts, nil }
func (r fakeReceipts) Save(_, path string, page []byte) (string, error) {
	r.f.set(func() { r.f.page = string(page) })
	return path + ".json", r.f.call("save " + path)
}
func (r fakeReceipts) Report(_ context.Context, id string) error { return r.f.call("report " + id) }
func (f *fake) Fixed() bool                                      { return f.fixed }
func (f *fake) Join(_ context.Context, c string) error           { return f.call("join " + c) }
func (f *fake) JoinFile(_ context.Context, p string) error {
	return f.call("file " + p)
}

type fakeRefusals struct{ f *fake }

func (r fakeRefusals) List() ([]Refusal, int) { return slices.Clone(r.f.refusals), r.f.older }

// someRefusals are lines as they come: of people who proved who they are, of nobody known,
// of a server that was not believed.
func someRefusals() []Refusal {
	at := time.Date(2026, 11, 21, 11, 12, 0, 0, time.UTC)
	return []Refusal{
		{First: at.Add(-time.Hour), Last: at, What: "request", Why: "no answer", Who: "Camille Fontaine", Count: 2},
		{First: at.Add(-2 * time.Hour), Last: at.Add(-2 * time.Hour), What: "request", Why: "signature", Count: 1},
		{First: at.Add(-3 * time.Hour), Last: at.Add(-3 * time.Hour), What: "question", Why: "withdrawn", Who: "Alexandre de La Rochefoucauld-Montmorency", Count: 1},
		{First: at.Add(-26 * time.Hour), Last: at.Add(-26 * time.Hour), What: "server", Why: "pin", Count: 41},
		{First: at.Add(-27 * time.Hour), Last: at.Add(-27 * time.Hour), Helper: true, What: "ask", Why: "server: not there", Count: 1},
		{First: at.Add(-50 * time.Hour), Last: at.Add(-50 * time.Hour), What: "request", Why: "refused", Who: "Camille Fontaine", Count: 1},
	}
}

// call notes a slow call and returns its fault.
func (f *fake) call(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, what)
	return f.fault
}

func (f *fake) said(what string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(strings.Join(f.calls, "\n"), what)
}

type fakeTrial struct{ f *fake }

func (t fakeTrial) Start(_ context.Context, form TrialForm) (Enrolment, error) {
	return fakeEnrolment(t), t.f.call("trial " + form.Name)
}

func (t fakeTrial) Code() string {
	return "ASSIST1-" + strings.TrimSuffix(strings.Repeat("4KQ29-XWB7M-", 12), "-")
}

func (t fakeTrial) Invite(_ context.Context, i Invitation) (string, error) {
	return "7QX4M-2KD9P-WZ3HA-B8TNC", t.f.call("invite " + i.Name + ", " + i.Role)
}

type fakeEnrolment struct{ f *fake }

func (fakeEnrolment) Secret() Secret {
	return Secret{Login: "camille.fontaine", URL: "otpauth://totp/INCI:camille.fontaine?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=INCI"}
}
func (e fakeEnrolment) Confirm(_ context.Context, totp string) error {
	return e.f.call("confirm " + totp)
}
func (e fakeEnrolment) Cancel() { _ = e.f.call("give up") }

func (f *fake) Enrol(_ context.Context, code, _ string) (Enrolment, error) {
	return fakeEnrolment{f}, f.call("enrol " + code)
}

func (f *fake) Login(_ context.Context, login, _ string) error {
	err := f.call("login " + login)
	if err == nil {
		f.set(func() { f.helper = HelperState{SignedIn: true, Login: login, Who: card(), Phase: PhaseReady} })
	}
	return err
}

func (f *fake) Logout() { f.set(func() { f.helper.SignedIn = false }) }

func (f *fake) Ask(_ context.Context, form AskForm) (Request, error) {
	f.set(func() { f.asked = append(f.asked, form) })
	f.request = &fakeRequest{changed: make(chan struct{}, 1)}
	return f.request, f.call("ask")
}
func (f *fake) Recent() []Recent { return f.recent }
func (f *fake) Clear() error     { f.recent = nil; return nil }

type fakeRequest struct {
	mu        sync.Mutex
	state     RequestState
	cancelled int
	changed   chan struct{}
}

func (r *fakeRequest) State() RequestState      { r.mu.Lock(); defer r.mu.Unlock(); return r.state }
func (r *fakeRequest) Changed() <-chan struct{} { return r.changed }
func (r *fakeRequest) Cancel()                  { r.mu.Lock(); defer r.mu.Unlock(); r.cancelled++ }
func (r *fakeRequest) put(s RequestState) {
	r.mu.Lock()
	r.state = s
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// someReceipts are what a page of receipts may hold.
func someReceipts() []Receipt {
	at := time.Date(2026, 11, 21, 9, 12, 0, 0, time.UTC)
	one := Receipt{
		ID: "5f1c0d9a5f1c0d9a5f1c0d9a5f1c0d9a", Machine: "482917305566", Who: card(), Reason: "Imprimante du 2e étage introuvable", Began: at, Length: 6*time.Minute + 40*time.Second,
		Allowed: consent.AllRights, End: wire.EndUserCut, Words: [3]string{"citron", "valise", "orage"},
		Done: []Deed{{at.Add(time.Minute), "A demandé la souris et le clavier"}, {at.Add(80 * time.Second), "A utilisé la souris et le clavier"}},
	}
	two := one
	two.ID, two.Began, two.Length, two.End = "2", at.Add(-26*time.Hour), 41*time.Second, wire.EndTechnician
	two.Who.Name, two.Reason = "Alexandre de La Rochefoucauld-Montmorency", "Mise à jour du pilote du microscope confocal, poste de la salle 214"
	return []Receipt{one, two}
}

func testPrimary() screen.Layout {
	return screen.Layout{{ID: 0, Name: "VIRTUAL-1", Bounds: image.Rect(0, 0, 1280, 800), Primary: true}}
}
