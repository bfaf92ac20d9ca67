// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"context"
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
	"assist/internal/screen"
)

// newTestApp is an App over the fake ports on the toolkit's own test driver.
func newTestApp(t *testing.T, change ...func(*fake)) (*App, *fake) {
	t.Helper()
	f := newFake()
	for _, c := range change {
		c(f)
	}
	a, err := New(f.config(test.NewTempApp(t)))
	if err != nil {
		t.Fatal(err)
	}
	a.spawn = func(call func()) { call() }
	t.Cleanup(a.stop)
	return a, f
}

// ask opens a question for all rights, or a changed one, at the fake's now.
func ask(t *testing.T, change ...func(*consent.Question)) (*question, *fake) {
	t.Helper()
	a, f := newTestApp(t)
	q := consent.Question{
		Who: card(), Reason: "Imprimante", Wanted: consent.AllRights, Words: [3]string{"citron", "valise", "orage"}, Monitors: 2,
	}
	for _, c := range change {
		c(&q)
	}
	d := newQuestion(a, q)
	d.show()
	return d, f
}

// ripe is ask after the first second, with a device that was pressed.
func ripe(t *testing.T, change ...func(*consent.Question)) (*question, *fake) {
	t.Helper()
	d, f := ask(t, change...)
	f.pass(inertTime)
	f.set(func() { f.real = true })
	d.tick()
	return d, f
}

// given is the answer so far.
func (d *question) given() (answer, bool) {
	select {
	case got := <-d.answers:
		return got, true
	default:
		return answer{}, false
	}
}

func widening(q *consent.Question) { q.Widening, q.Wanted = true, consent.RightControl }

func key(d *question, name fyne.KeyName) {
	if o := d.win.Canvas().Focused(); o != nil {
		o.TypedKey(&fyne.KeyEvent{Name: name})
		return
	}
	d.win.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: name})
}

func TestDialogStartsOnRefuse(t *testing.T) {
	d, _ := ask(t)
	if d.win.Canvas().Focused() != fyne.Focusable(d.refuse) {
		t.Fatal("the focus is not on refuse")
	}
	if !d.accept.Disabled() {
		t.Error("accept can be pressed at once")
	}
}

func TestDialogRefusals(t *testing.T) {
	for name, act := range map[string]func(d *question){
		"enter":        func(d *question) { key(d, fyne.KeyReturn) },
		"space":        func(d *question) { key(d, fyne.KeySpace) },
		"esc":          func(d *question) { key(d, fyne.KeyEscape) },
		"esc anywhere": func(d *question) { d.win.Canvas().Focus(d.accept); key(d, fyne.KeyEscape) },
		"esc nowhere":  func(d *question) { d.win.Canvas().Unfocus(); key(d, fyne.KeyEscape) },
		"click":        func(d *question) { test.Tap(d.refuse) },
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := ask(t)
			act(d)
			if got, ok := d.given(); !ok || !errors.Is(got.err, consent.ErrRefused) {
				t.Errorf("answer %+v, %v", got, ok)
			}
		})
	}
}

func TestDialogReport(t *testing.T) {
	d, _ := ask(t)
	test.Tap(d.report)
	if got, _ := d.given(); !errors.Is(got.err, consent.ErrReported) {
		t.Errorf("answer %+v", got)
	}
}

func TestDialogAccepts(t *testing.T) {
	d, _ := ripe(t)
	test.Tap(d.accept)
	got, ok := d.given()
	if !ok || got.err != nil || got.rights != consent.RightView|consent.RightPoint {
		t.Errorf("answer %+v, %v", got, ok)
	}
}

func TestDialogAcceptsByKeyboard(t *testing.T) {
	d, f := ripe(t)
	d.win.Canvas().FocusNext()
	if d.win.Canvas().Focused() != fyne.Focusable(d.accept) {
		t.Fatal("tab does not go from refuse to accept")
	}
	f.set(func() { f.typing = true })
	key(d, fyne.KeyReturn)
	key(d, fyne.KeyEnter)
	if got, ok := d.given(); ok {
		t.Fatalf("enter answered %+v", got)
	}
	key(d, fyne.KeySpace)
	if got, ok := d.given(); !ok || got.err != nil {
		t.Errorf("space answered %+v, %v", got, ok)
	}
}

func TestDialogInertFirstSecond(t *testing.T) {
	d, f := ask(t)
	f.set(func() { f.real = true })
	f.pass(inertTime - time.Millisecond)
	d.tick()
	test.Tap(d.accept)
	d.sayYes()
	if got, ok := d.given(); ok {
		t.Fatalf("answered %+v within the first second", got)
	}
	f.pass(time.Millisecond)
	d.tick()
	test.Tap(d.accept)
	if _, ok := d.given(); !ok {
		t.Error("accept stays inert after the first second")
	}
}

func TestDialogWantsARealPress(t *testing.T) {
	d, f := ripe(t)
	f.set(func() { f.real = false })
	test.Tap(d.accept)
	d.win.Canvas().Focus(d.accept)
	key(d, fyne.KeySpace)
	if got, ok := d.given(); ok {
		t.Fatalf("a sent press answered %+v", got)
	}
	box := boxOf(t, d, consent.RightControl)
	test.Tap(box)
	if box.on || d.ticked.Has(consent.RightControl) {
		t.Error("a sent click ticked a box")
	}
	if !strings.Contains(d.left.AccessibilityLabel(), "cliquez de nouveau") {
		t.Errorf("said %q", d.left.AccessibilityLabel())
	}
	f.pass(missedTime)
	d.tick()
	if got := d.left.AccessibilityLabel(); !strings.HasSuffix(got, " s") {
		t.Errorf("said %q", got)
	}
}

// Whoever accepts has seen all of the dialog for a second, whatever window came and
// went over it.
func TestDialogWantsToBeSeen(t *testing.T) {
	d, f := ripe(t)
	f.set(func() { f.hidden = true })
	test.Tap(d.accept)
	d.win.Canvas().Focus(d.accept)
	key(d, fyne.KeySpace)
	box := boxOf(t, d, consent.RightControl)
	test.Tap(box)
	f.pass(inertTime)
	d.tick()
	test.Tap(d.accept)
	if got, ok := d.given(); ok || box.on {
		t.Fatalf("a hidden dialog answered %+v, box %v", got, box.on)
	}
	if !strings.Contains(d.left.AccessibilityLabel(), "cache cette question") || !d.accept.Disabled() {
		t.Errorf("said %q, accept open: %v", d.left.AccessibilityLabel(), !d.accept.Disabled())
	}
	f.set(func() { f.hidden = false })
	for range 2 { // the click that was meant for what lay over it, and the next
		test.Tap(d.accept)
		d.sayYes()
	}
	f.pass(inertTime - time.Millisecond)
	d.tick()
	test.Tap(d.accept)
	if got, ok := d.given(); ok {
		t.Fatalf("answered %+v just after it was seen again", got)
	}
	f.pass(time.Millisecond)
	d.tick()
	test.Tap(d.accept)
	if _, ok := d.given(); !ok {
		t.Error("accept stays inert though all is seen")
	}
}

// A key of the keyboard does not prove a click, nor a button of the mouse a Space.
func TestDialogWantsTheSameKindOfPress(t *testing.T) {
	d, f := ripe(t)
	d.win.Canvas().Focus(d.accept)
	key(d, fyne.KeySpace)
	f.set(func() { f.typing = true })
	test.Tap(d.accept)
	if got, ok := d.given(); ok {
		t.Fatalf("answered %+v", got)
	}
	key(d, fyne.KeySpace)
	if _, ok := d.given(); !ok {
		t.Error("a real Space does not count")
	}
}

// boxOf is the box of a right.
func boxOf(t *testing.T, d *question, r consent.Rights) *check {
	t.Helper()
	label := d.a.tongue.count("dialog."+r.String(), d.q.Monitors)
	for _, o := range descend(d.win.Content()) {
		if c, ok := o.(*check); ok && c.label == label {
			return c
		}
	}
	t.Fatalf("no box %q", label)
	return nil
}

func TestDialogBoxes(t *testing.T) {
	d, _ := ripe(t)
	test.Tap(boxOf(t, d, consent.RightControl))
	test.Tap(boxOf(t, d, consent.RightPoint))
	test.Tap(d.accept)
	if got, _ := d.given(); got.rights != consent.RightView|consent.RightControl {
		t.Errorf("granted %v", got.rights)
	}
}

func TestDialogNeedsView(t *testing.T) {
	d, _ := ripe(t)
	test.Tap(boxOf(t, d, consent.RightView))
	if !d.accept.Disabled() {
		t.Error("accept without seeing")
	}
	d.sayYes()
	if got, ok := d.given(); ok {
		t.Errorf("answered %+v", got)
	}
}

func TestDialogOffersOnlyWhatIsWanted(t *testing.T) {
	d, _ := ripe(t, func(q *consent.Question) { q.Wanted = consent.RightView })
	for _, o := range descend(d.win.Content()) {
		if c, ok := o.(*check); ok && c != boxOf(t, d, consent.RightView) {
			t.Errorf("box %q was not asked for", c.label)
		}
	}
	d.ticked = consent.AllRights
	d.sayYes()
	if got, _ := d.given(); got.rights != consent.RightView {
		t.Errorf("granted %v, more than asked", got.rights)
	}
}

func TestWideningFollowsTheSameRules(t *testing.T) {
	d, f := ask(t, widening)
	f.set(func() { f.real = true })
	test.Tap(d.accept)
	d.sayYes()
	if _, ok := d.given(); ok {
		t.Fatal("accepted within the first second")
	}
	f.pass(inertTime)
	d.tick()
	test.Tap(d.accept)
	if got, _ := d.given(); got.rights != consent.RightControl {
		t.Errorf("granted %v", got.rights)
	}
	if d.win.Title() != "Camille Fontaine demande à utiliser la souris et le clavier" {
		t.Errorf("title %q", d.win.Title())
	}
}

func TestRenewalKeepsTheRights(t *testing.T) {
	d, _ := ripe(t, func(q *consent.Question) { q.Renewing = true })
	test.Tap(d.accept)
	if got, _ := d.given(); got.rights != consent.AllRights {
		t.Errorf("granted %v", got.rights)
	}
}

func TestDialogTooLate(t *testing.T) {
	d, f := ripe(t)
	f.pass(consent.AnswerTime)
	test.Tap(d.accept)
	d.sayYes()
	if got, ok := d.given(); ok {
		t.Errorf("answered %+v after its time", got)
	}
}

func TestDialogCountsDown(t *testing.T) {
	d, f := ask(t)
	if d.left.seg.Text != "60 s" {
		t.Errorf("starts at %q", d.left.seg.Text)
	}
	f.pass(6 * time.Second)
	d.tick()
	if d.left.seg.Text != "54 s" {
		t.Errorf("after 6 s: %q", d.left.seg.Text)
	}
}

func TestDialogDeadlineNeverLater(t *testing.T) {
	a, f := newTestApp(t)
	d := newQuestion(a, consent.Question{Deadline: f.now.Add(time.Hour)})
	if want := f.now.Add(consent.AnswerTime); !d.deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", d.deadline, want)
	}
}

func TestDialogShowsOthersTextPlain(t *testing.T) {
	d, _ := ask(t, func(q *consent.Question) {
		q.Who.Name = "Eve\u202e\x00\n  Dupont " + strings.Repeat("x", 300)
		q.Reason = "a\tb\u200bc"
	})
	if n := len([]rune(d.q.Who.Name)); n > maxShownName {
		t.Errorf("name of %d characters", n)
	}
	if !strings.HasPrefix(d.q.Who.Name, "Eve Dupont xx") || d.q.Reason != "a bc" {
		t.Errorf("name %q, reason %q", d.q.Who.Name, d.q.Reason)
	}
}

func TestAskEndsInTime(t *testing.T) {
	a, f := newTestApp(t)
	got, err := a.Ask(t.Context(), consent.Question{Wanted: consent.RightView, Deadline: f.now.Add(time.Millisecond)})
	if got != 0 || !errors.Is(err, consent.ErrNoAnswer) {
		t.Errorf("%v, %v", got, err)
	}
	if a.DialogOpen() {
		t.Error("still open")
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	a, _ := newTestApp(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := a.Ask(ctx, consent.Question{Wanted: consent.RightView})
	if got != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", got, err)
	}
	if n := said(a, "La demande a été annulée."); n != 1 {
		t.Errorf("%d windows tell it", n)
	}
}

// said counts the windows where a text can be read.
func said(a *App, part string) int {
	n := 0
	for _, w := range a.cfg.App.Driver().AllWindows() {
		for _, o := range descend(w.Content()) {
			if t, ok := o.(*text); ok && strings.Contains(t.seg.Text, part) {
				n++
			}
		}
	}
	return n
}

func TestAnswerAfterCancelCountsForNothing(t *testing.T) {
	d, _ := ripe(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 64 { // both are ready: either may be seen first
		d.answered, d.answers = false, make(chan answer, 1)
		test.Tap(d.accept)
		if got := d.wait(ctx); got.rights != 0 || !errors.Is(got.err, context.Canceled) {
			t.Fatalf("%+v", got)
		}
	}
}

func TestFirstAnswerCounts(t *testing.T) {
	d, _ := ripe(t)
	test.Tap(d.refuse)
	test.Tap(d.refuse) // must not block
	test.Tap(d.accept)
	if got, _ := d.given(); !errors.Is(got.err, consent.ErrRefused) {
		t.Errorf("%+v", got)
	}
	if got, again := d.given(); again {
		t.Errorf("then %+v", got)
	}
}

func TestClosingTheDialogRefuses(t *testing.T) {
	d, _ := ripe(t)
	d.closed()
	if got, _ := d.given(); !errors.Is(got.err, consent.ErrRefused) {
		t.Errorf("%+v", got)
	}
}

func TestDialogOpenWhileAsking(t *testing.T) {
	a, f := newTestApp(t)
	open := make(chan bool, 1)
	a.cfg.Monitors = func() screen.Layout { // asked while the dialog opens
		select {
		case open <- a.DialogOpen():
		default:
		}
		return nil
	}
	_, err := a.Ask(t.Context(), consent.Question{Wanted: consent.RightView, Deadline: f.now.Add(time.Millisecond)})
	if !errors.Is(err, consent.ErrNoAnswer) || !<-open {
		t.Errorf("not open before it shows; %v", err)
	}
}

func TestDialogPlace(t *testing.T) {
	area, size := image.Rect(-1280, 100, 0, 900), image.Pt(640, 400)
	if got := dialogCorner(area, size, false); got != image.Pt(-960, 300) {
		t.Errorf("centre at %v", got)
	}
	if got := dialogCorner(area, size, true); got != image.Pt(-960, 172) {
		t.Errorf("below the banner at %v", got)
	}
}

// The question whether the person is still there follows the rules of the others: it
// starts on the safe answer, wants a genuine press, and offers nothing to tick.
func TestIdleQuestion(t *testing.T) {
	idle := func(q *consent.Question) { q.Idle = true }
	d, f := ask(t, idle)
	if d.win.Title() != "Êtes-vous toujours là\u00a0?" || d.accept.label != "Je suis là" || d.refuse.label != "Couper" {
		t.Errorf("%q, %q, %q", d.win.Title(), d.accept.label, d.refuse.label)
	}
	test.Tap(d.accept)
	f.pass(inertTime)
	d.tick()
	test.Tap(d.accept) // by nobody
	d.win.Canvas().Focus(d.refuse)
	key(d, fyne.KeyReturn)
	if got, ok := d.given(); !ok || !errors.Is(got.err, consent.ErrRefused) {
		t.Fatalf("enter on the first button: %+v, %v", got, ok)
	}
	d, _ = ripe(t, idle)
	test.Tap(d.accept)
	if got, ok := d.given(); !ok || got.err != nil || got.rights != consent.AllRights {
		t.Errorf("answer %+v, %v", got, ok)
	}
}

func TestSilenceSaysWhatItLedTo(t *testing.T) {
	for want, change := range map[string]func(*consent.Question){
		"Personne n’est entré":        func(*consent.Question) {},
		"Le reste continue":           widening,
		"Plus personne ne voit votre": func(q *consent.Question) { q.Idle = true },
		"Assist a coupé":              func(q *consent.Question) { q.Renewing = true },
	} {
		d, _ := ask(t, change)
		if got := d.a.say(d.noAnswerKey()); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
