// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// signIn goes to the form of a technician who is signed in.
func signIn(t *testing.T, a *App, f *fake) *askPage {
	t.Helper()
	a.goTo(placeHelper)
	l, ok := a.shown.(*loginPage)
	if !ok {
		t.Fatalf("shown %T", a.shown)
	}
	l.fields[0].SetText("camille")
	l.fields[1].SetText("une phrase assez longue")
	l.submit()
	p, ok := a.shown.(*askPage)
	if !ok {
		t.Fatalf("after the login: %T", a.shown)
	}
	return p
}

// send asks for a machine.
func send(t *testing.T, a *App, f *fake) *waitPage {
	t.Helper()
	p := signIn(t, a, f)
	p.machine.SetText("482917305566")
	p.reason.SetText("Imprimante\u202e introuvable")
	p.totp.SetText("123456")
	test.Tap(p.ask)
	w, ok := a.shown.(*waitPage)
	if !ok {
		t.Fatalf("after asking: %T, %q", a.shown, p.fault.said)
	}
	return w
}

func TestJoinByCode(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.helped.Joined = false })
	first, ok := a.shown.(*firstPage)
	if !ok {
		t.Fatalf("starts with %T", a.shown)
	}
	test.Tap(first.code)
	j := a.shown.(*joinPage)
	if !j.join.Disabled() {
		t.Error("an empty code can be sent")
	}
	a.cfg.App.Clipboard().SetContent("  ASSIST1-BBBB-\n  CCCC\n") // as a terminal or a mail shows it
	j.entry.TypedShortcut(&fyne.ShortcutPaste{Clipboard: a.cfg.App.Clipboard()})
	if got := strings.Join(strings.Fields(j.code), ""); got != "ASSIST1-BBBB-CCCC" || j.join.Disabled() {
		t.Errorf("a pasted code became %q", j.code)
	}
	f.fault = ErrBadCode
	j.entry.SetText(" ASSIST1-AAAA ")
	test.Tap(j.join)
	if !strings.Contains(j.fault.said, "Ce code n’est pas complet") {
		t.Errorf("said %q", j.fault.said)
	}
	f.fault = nil
	test.Tap(j.join)
	if _, ok := a.shown.(*homePage); !ok || !f.said("join ASSIST1-AAAA") {
		t.Errorf("shown %T, calls %q", a.shown, f.calls)
	}
}

func TestTrialEnrolsTheFirstTechnician(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.helped.Joined = false })
	a.turn(placeFirst, newTrialPage(a, a.shown))
	p := a.shown.(*trialPage)
	test.Tap(p.start)
	p.fields[0].SetText("Camille Fontaine")
	p.fields[2].SetText("quatorze signe")
	test.Tap(p.start)
	p.fields[2].SetText("une phrase assez longue")
	test.Tap(p.start)
	if len(f.calls) != 0 {
		t.Fatalf("a faulty form was sent: %q", f.calls)
	}
	p.fields[3].SetText("une phrase assez longue")
	test.Tap(p.start)
	s, ok := a.shown.(*secretPage)
	if !ok {
		t.Fatalf("shown %T: %q", a.shown, p.fault.said)
	}
	s.entry.SetText("123456")
	test.Tap(s.ok)
	test.Tap(a.shown.(*trialDonePage).ok)
	if _, ok := a.shown.(*homePage); !ok || !f.said("trial Camille Fontaine") || !f.said("confirm 123456") {
		t.Errorf("shown %T, calls %q", a.shown, f.calls)
	}
	a.goTo(placeHelper)
	if l := a.shown.(*loginPage); l.fields[0].Text != "camille.fontaine" || a.win.Canvas().Focused() != l.fields[1] {
		t.Errorf("the login is %q", l.fields[0].Text)
	}
}

func TestEnrolByCode(t *testing.T) {
	a, f := newTestApp(t)
	a.goTo(placeHelper)
	a.turn(placeHelper, newEnrolPage(a, a.shown.(*loginPage)))
	p := a.shown.(*enrolPage)
	p.fields[0].SetText("CODE")
	p.fields[1].SetText("une phrase assez longue")
	p.fields[2].SetText("une phrase assez longue")
	test.Tap(p.next)
	s := a.shown.(*secretPage)
	f.fault = &Refused{Why: wire.RefusedIdentity}
	s.entry.SetText("111111")
	test.Tap(s.ok)
	if s.fault.said != "Code refusé. Attendez le suivant et tapez-le. (R1)" || s.entry.Text != "" {
		t.Errorf("said %q, code %q", s.fault.said, s.entry.Text)
	}
	f.fault = nil
	s.entry.SetText("222222")
	test.Tap(s.ok)
	if l, ok := a.shown.(*loginPage); !ok || l.login != "camille.fontaine" {
		t.Errorf("shown %T", a.shown)
	}
}

func TestLoginForgetsThePassword(t *testing.T) {
	a, f := newTestApp(t)
	a.goTo(placeHelper)
	l := a.shown.(*loginPage)
	f.fault = &Refused{Why: wire.RefusedTooMany, Wait: 90 * time.Second}
	l.fields[0].SetText("camille")
	l.fields[1].SetText("faux")
	l.submit()
	if l.password != "" || l.fields[1].Text != "" || !strings.Contains(l.fault.said, "1 min 30 s") {
		t.Errorf("password %q, said %q", l.password, l.fault.said)
	}
}

func TestWrongFactorHasASentencePerPage(t *testing.T) {
	a, f := newTestApp(t)
	f.fault = &Refused{Why: wire.RefusedIdentity}
	a.goTo(placeHelper)
	l := a.shown.(*loginPage)
	l.fields[0].SetText("camille")
	l.fields[1].SetText("faux")
	l.submit()
	if !strings.HasPrefix(l.fault.said, "Identifiant ou mot de passe refusé.") {
		t.Errorf("login: %q", l.fault.said)
	}
	e := newEnrolPage(a, l)
	a.turn(placeHelper, e)
	for i, s := range []string{"CODE", "une phrase assez longue", "une phrase assez longue"} {
		e.fields[i].SetText(s)
	}
	e.submit()
	if !strings.HasPrefix(e.fault.said, "Ce code d’inscription n’est pas accepté.") {
		t.Errorf("enrolment: %q", e.fault.said)
	}
	f.fault = nil
	a.turn(placeHelper, newLoginPage(a, ""))
	w := send(t, a, f)
	f.request.state.Err = &Refused{Why: wire.RefusedIdentity}
	w.update()
	if p := a.shown.(*askPage); !strings.HasPrefix(p.fault.said, "Code refusé. Un code ne sert qu’une fois") {
		t.Errorf("asking: %q", p.fault.said)
	}
}

func TestNoticeGoesWhenItsFieldChanges(t *testing.T) {
	a, f := newTestApp(t)
	w := send(t, a, f)
	f.request.state.Err = &Declined{Verdict: wire.VerdictRefused}
	w.update()
	p := a.shown.(*askPage)
	if p.fault.said == "" {
		t.Fatal("nothing was said")
	}
	p.totp.SetText("1")
	if p.fault.said != "" || p.fault.box.Visible() {
		t.Errorf("still says %q", p.fault.said)
	}
	a.goTo(placeHelped)
	a.goTo(placeHelper)
	if p.fault.said != "" {
		t.Errorf("says again %q", p.fault.said)
	}
	test.Tap(p.ask)
	if p.fault.said == "" {
		t.Error("half a code was taken")
	}
	p.totp.SetText("12")
	if p.fault.said != "" {
		t.Errorf("still says %q", p.fault.said)
	}
}

func TestThrownOutGoesBackToTheLogin(t *testing.T) {
	a, f := newTestApp(t)
	signIn(t, a, f)
	a.goTo(placeHelped)
	f.set(func() { f.helper.Phase, f.helper.Refusal = PhaseRefused, wire.RefusedIdentity })
	a.goTo(placeHelper)
	l, ok := a.shown.(*loginPage)
	if !ok || f.helper.SignedIn || l.login != "camille" || !strings.HasPrefix(l.fault.said, "Le serveur a mis fin à votre connexion") {
		t.Fatalf("shown %T", a.shown)
	}
	l.fields[1].SetText("une phrase assez longue")
	l.submit()
	if _, ok := a.shown.(*askPage); !ok {
		t.Errorf("after signing in again: %T", a.shown)
	}
}

func TestRequestGrantedOpensTheSession(t *testing.T) {
	a, f := newTestApp(t)
	w := send(t, a, f)
	if got := f.asked[0]; got.Machine != "482917305566" || got.Reason != "Imprimante introuvable" || got.TOTP != "123456" ||
		got.Rights != consent.RightView|consent.RightPoint {
		t.Errorf("asked %+v", got)
	}
	words := [3]string{"citron", "valise", "orage"}
	f.request.state = RequestState{Words: words, OtherWords: [3]string{"lemon", "suitcase", "storm"}, Deadline: f.now.Add(41 * time.Second)}
	w.update()
	if w.words.seg.Text != "citron – valise – orage" || w.left.seg.Text != "Encore 41 secondes pour répondre" {
		t.Errorf("%q, %q", w.words.seg.Text, w.left.seg.Text)
	}
	if got := w.more.seg.Text; !strings.Contains(got, "en anglais, il lit\u00a0: lemon – suitcase – storm") {
		t.Errorf("the other language: %q", got)
	}
	f.request.state.Granted = true
	w.update()
	w.update()
	if len(f.opened) != 1 || f.opened[0].Request != Request(f.request) || f.opened[0].Language != "fr" {
		t.Fatalf("opened %+v", f.opened)
	}
	f.opened[0].Closed(wire.EndUserCut)
	f.opened[0].Closed(wire.EndHostClosed) // the first end counts
	p, ok := a.shown.(*askPage)
	if !ok || !strings.Contains(p.fault.said, "L’utilisateur a coupé") || p.form.TOTP != "" {
		t.Errorf("shown %T", a.shown)
	}
}

func TestRequestEndsInAPlainSentence(t *testing.T) {
	for want, err := range map[string]error{
		"L’utilisateur a refusé":                 &Declined{Verdict: wire.VerdictRefused},
		"Pas de réponse":                         &Declined{Verdict: wire.VerdictNoAnswer},
		"n’est pas en ligne":                     &Refused{Why: wire.RefusedOffline},
		"n’existe pas":                           &Refused{Why: wire.RefusedUnknown},
		"La connexion avec l’ordinateur":         &Ended{Reason: wire.EndNetworkLost},
		"La réponse vient d’un autre ordinateur": ErrWrongMachine,
	} {
		a, f := newTestApp(t)
		w := send(t, a, f)
		f.request.state.Err = err
		w.update()
		p, ok := a.shown.(*askPage)
		if !ok || !strings.Contains(p.fault.said, want) {
			t.Errorf("%v: shown %T", err, a.shown)
		}
	}
}

func TestCancelledRequest(t *testing.T) {
	a, f := newTestApp(t)
	w := send(t, a, f)
	test.Tap(w.end)
	p, ok := a.shown.(*askPage)
	if !ok || p.fault.said != "" || f.request.cancelled != 1 || a.running != nil {
		t.Errorf("shown %T, cancelled %d", a.shown, f.request.cancelled)
	}
}

func TestRequestEndsWhileElsewhere(t *testing.T) {
	a, f := newTestApp(t)
	w := send(t, a, f)
	a.goTo(placeHelped)
	f.request.state.Err = &Declined{Verdict: wire.VerdictRefused}
	w.check()
	if _, ok := a.shown.(*homePage); !ok {
		t.Errorf("torn away to %T", a.shown)
	}
	a.goTo(placeHelper)
	if p, ok := a.shown.(*askPage); !ok || !strings.Contains(p.fault.said, "refusé") {
		t.Errorf("then %T", a.shown)
	}
}

func TestFollowSeesTheGrant(t *testing.T) {
	f := newFake()
	cfg := f.config(test.NewTempApp(t))
	opened := make(chan Opening, 1)
	cfg.Session = func(o Opening) { opened <- o }
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &fakeRequest{changed: make(chan struct{}, 1)}
	w := newWaitPage(newAskPage(a), AskForm{Machine: "482917305566"}, r)
	done := make(chan struct{})
	go func() { defer close(done); w.follow() }()
	r.put(RequestState{Granted: true})
	<-opened
	a.stop()
	<-done
}

func TestReins(t *testing.T) {
	a, f := newTestApp(t)
	f.set(func() { f.real = true })
	f.helped.Live = &Live{Who: card(), Rights: consent.AllRights, Since: f.now.Add(-252 * time.Second)}
	a.update()
	if got := reinsOf(a).head.seg.Text; got != "Camille Fontaine (INCI) UTILISE votre ordinateur · 04:12" {
		t.Errorf("head %q", got)
	}
	test.Tap(reinsOf(a).hold)
	f.helped.Live.Paused = wire.PauseUser
	a.update()
	if said := reinsOf(a).more.seg.Text; !strings.HasPrefix(said, "Vous avez mis en pause") || reinsOf(a).mood == moodDrive || reinsOf(a).hold.label != "Continuer le partage" {
		t.Errorf("while paused: %q, mood %v, %q", said, reinsOf(a).mood, reinsOf(a).hold.label)
	}
	test.Tap(reinsOf(a).take)
	f.helped.Live.Rights = consent.RightView
	if a.update(); reinsOf(a).take.Visible() {
		t.Error("take back stays when nobody drives")
	}
	test.Tap(reinsOf(a).hold)
	test.Tap(reinsOf(a).cut)
	if len(f.paused) != 2 || !f.paused[0] || f.paused[1] || f.taken != 1 || len(f.cuts) != 1 || f.cuts[0] != wire.EndUserCut {
		t.Errorf("paused %v, taken %d, cuts %v", f.paused, f.taken, f.cuts)
	}
}

func TestReinsCountTheScreens(t *testing.T) {
	a, f := newTestApp(t)
	f.helped.Live = &Live{Who: card(), Rights: consent.RightView, Since: f.now}
	two := append(testPrimary(), testPrimary()...)
	for want, all := range map[string]screen.Layout{
		"Camille Fontaine (INCI) voit votre écran · 00:00": testPrimary(),
		"Camille Fontaine (INCI) voit vos écrans · 00:00":  two,
	} {
		f.layout = all
		a.update()
		if got := a.shown.(*homePage).live.head.seg.Text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f.layout = nil
	a.update()
	if got := a.shown.(*homePage).live.head.seg.Text; !strings.Contains(got, "vos écrans") {
		t.Errorf("number not known: %q", got)
	}
}

func TestClosingCutsFirst(t *testing.T) {
	a, f := newTestApp(t)
	send(t, a, f)
	a.Close()
	if len(f.cuts) != 1 || f.cuts[0] != wire.EndHostClosed || f.request.cancelled != 1 {
		t.Errorf("cuts %v, cancelled %d", f.cuts, f.request.cancelled)
	}
}

func TestHomeSaysHowThingsAre(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	for want, change := range map[string]func(){
		"Prêt — personne n’est connecté":                 func() { f.helped.Phase = PhaseReady },
		"Connexion au serveur…":                          func() { f.helped.Phase = PhaseConnecting },
		"Serveur injoignable — nouvel essai dans 8 s":    func() { f.helped.Phase, f.helped.RetryAt = PhaseWaiting, f.now.Add(8*time.Second) },
		"Ce serveur n’est pas celui du code":             func() { f.helped.Phase = PhaseWrongServer },
		"Votre unité n’accueille plus de nouvel ordinat": func() { f.helped.Phase, f.helped.Refusal = PhaseRefused, wire.RefusedCrowded },
		"Deux ordinateurs se présentent avec le même nu": func() { f.helped.Phase, f.helped.Refusal = PhaseRefused, wire.RefusedDuplicate },
	} {
		change()
		a.update()
		if !strings.HasPrefix(h.state.line.seg.Text, want) {
			t.Errorf("%q, want %q", h.state.line.seg.Text, want)
		}
		if h.number.seg.Text != "4829 1730 5566" {
			t.Error("the number went away")
		}
	}
	h.toggleSpelling()
	if !strings.HasPrefix(h.digits.seg.Text, "quatre, huit, deux, neuf — un, sept, trois, zéro") {
		t.Errorf("spelled %q", h.digits.seg.Text)
	}
}

func TestHomeNamesItsServer(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	for want, change := range map[string]func(){
		"Serveur\u00a0: INCI (assist.inci.example.fr)":          func() { f.helped.Unit, f.helped.Trial = "INCI", false },
		"Serveur\u00a0: assist.inci.example.fr":                 func() { f.helped.Unit, f.helped.Trial = "", false },
		"Serveur\u00a0: INCI, sur cet ordinateur, pour essayer": func() { f.helped.Unit, f.helped.Trial = "INCI", true },
		"Serveur sur cet ordinateur, pour essayer":              func() { f.helped.Unit, f.helped.Trial = "", true },
	} {
		change()
		a.update()
		if h.server.seg.Text != want {
			t.Errorf("%q, want %q", h.server.seg.Text, want)
		}
	}
}

func TestHomeSaysWhoIsThere(t *testing.T) {
	a, f := newTestApp(t)
	f.helped.Live = &Live{Who: card(), Rights: consent.RightView, Since: f.now}
	a.update()
	if h := a.shown.(*homePage); h.state.line.seg.Text != "Une personne est connectée à cet ordinateur" || h.state.name != "eye" {
		t.Errorf("%q, %s", h.state.line.seg.Text, h.state.name)
	}
}

func TestTurningAwayEndsTheCall(t *testing.T) {
	a, _ := newTestApp(t)
	var held func()
	a.spawn = func(call func()) { held = call }
	a.goTo(placeHelper)
	l := a.shown.(*loginPage)
	l.fields[0].SetText("camille")
	l.fields[1].SetText("une phrase")
	l.submit()
	ctx := a.tasks[placeHelper].ctx
	a.turn(placeHelper, newEnrolPage(a, l))
	if ctx.Err() == nil {
		t.Error("the call goes on for a page that is gone")
	}
	held()
	if !l.busy {
		t.Error("its end was shown on a page that is gone")
	}
}

func TestReceipts(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.receipts = someReceipts() })
	a.shown.(*homePage).openReceipts()
	test.Tap(a.shown.(*receiptsPage).top.(*press))
	r := a.shown.(*receiptPage)
	test.Tap(r.report)
	if !f.said("report " + r.receipt.ID) {
		t.Errorf("calls %q", f.calls)
	}
	if said(a, "Vous avez coupé") != 1 || said(a, "6 min 40 s") != 1 {
		t.Error("the receipt lacks its end or its length")
	}
}

// A receipt that the app before did not complete says so, on its page and at the start.
func TestUnfinishedReceiptIsSaid(t *testing.T) {
	const sentence = "arrêté sans terminer le reçu"
	a, _ := newTestApp(t, func(f *fake) {
		f.receipts = someReceipts()
		f.receipts[0].End = 0
		f.helped.Last = &Ending{At: f.now, Receipt: f.receipts[0].ID}
	})
	if said(a, sentence) != 1 {
		t.Error("not said at the start")
	}
	a.shown.(*homePage).openReceipts()
	test.Tap(a.shown.(*receiptsPage).top.(*press))
	if said(a, sentence) != 1 || said(a, "dernière écriture") == 0 && said(a, "Dernière écriture") == 0 {
		t.Error("not said on the receipt")
	}
}

func TestLanguageSwitchesAtOnce(t *testing.T) {
	a, f := newTestApp(t)
	a.goTo(placeHelper)
	a.shown.(*loginPage).fields[0].SetText("camille")
	test.Tap(a.frame.english)
	if said(a, "Help someone") == 0 || f.prefs.Language != "en" || a.shown.(*loginPage).fields[0].Text != "camille" {
		t.Errorf("prefs %+v, login %q", f.prefs, a.shown.(*loginPage).fields[0].Text)
	}
	test.Tap(a.frame.french)
	if said(a, "Identifiant") == 0 {
		t.Error("not back in French")
	}
}

func TestNewNeedsItsPorts(t *testing.T) {
	f := newFake()
	cfg := f.config(test.NewTempApp(t))
	cfg.Genuine = nil
	if _, err := New(cfg); err == nil {
		t.Error("made without knowing a real press")
	}
}
