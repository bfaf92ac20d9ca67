// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"testing"
	"time"

	"assist/internal/wire"
)

func TestGoodPledgeAndAnswerAreBelieved(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	p, err := VerifyPledge(f.pledge(t, req), f.pledgeCheck(t, req))
	if err != nil {
		t.Fatal(err)
	}
	check := f.answerCheck(t, req)
	check.Pledge = p
	a, err := VerifyAnswer(f.answer(t, req), check)
	if err != nil || a.Rights != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
}

func TestPledgeIsRefused(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	impostor := must(NewHostKey())(t)
	good := f.pledgeCheck(t, req)
	body := &wire.Pledge{Session: good.Session, RequestHash: good.RequestHash}
	for name, c := range map[string]struct {
		env  []byte
		want error
	}{
		"another host's":      {must(impostor.SignPledge(body))(t), ErrWrongMachine},
		"another session's":   {f.pledge(t, req, func(p *wire.Pledge) { p.Session[0]++ }), ErrWrongSession},
		"another request's":   {f.pledge(t, req, func(p *wire.Pledge) { p.RequestHash[31]++ }), ErrWrongRequest},
		"an answer":           {f.answer(t, req), ErrMalformed},
		"signed as an answer": {forge(t, f.host.pair, tagAnswer, &wire.Pledge{HostKey: f.host.Public()}), ErrSignature},
		"without a key":       {forge(t, f.host.pair, tagPledge, &wire.Pledge{}), ErrKey},
		"by another key":      {forge(t, impostor.pair, tagPledge, &wire.Pledge{HostKey: f.host.Public()}), ErrSignature},
	} {
		if p, err := VerifyPledge(c.env, good); !errors.Is(err, c.want) || p != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	mistyped := good
	mistyped.Machine = "000000000000"
	if _, err := VerifyPledge(f.pledge(t, req), mistyped); !errors.Is(err, ErrWrongMachine) {
		t.Errorf("another number typed: %v", err)
	}
	elsewhere := good
	elsewhere.Unit = must(NewUnitKey())(t).Public()
	if _, err := VerifyPledge(f.pledge(t, req), elsewhere); !errors.Is(err, ErrWrongMachine) {
		t.Errorf("another unit: %v", err)
	}
}

func TestEveryFlippedByteOfAPledgeIsRefused(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	flips(f.pledge(t, req), func(at int, env []byte) {
		if p, err := VerifyPledge(env, f.pledgeCheck(t, req)); err == nil || p != nil {
			t.Errorf("byte %d changed and believed", at)
		}
	})
}

func TestAnswerIsRefused(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	impostor := must(NewHostKey())(t)
	check := f.answerCheck(t, req)
	forged := wire.Answer{Session: check.Session, RequestHash: check.RequestHash, Fingerprint: check.Pledge.Fingerprint,
		Verdict: wire.VerdictGranted, Rights: 1, Expires: f.now.Unix()}
	noRights, stray := forged, forged
	noRights.Rights, noRights.HostKey = 0, f.host.Public()
	stray.Verdict, stray.HostKey = wire.VerdictRefused, f.host.Public()
	for name, c := range map[string]struct {
		env  []byte
		want error
	}{
		"another host's":       {must(impostor.SignAnswer(&forged))(t), ErrWrongHost},
		"other fingerprint":    {f.answer(t, req, func(a *wire.Answer) { a.Fingerprint[0]++ }), ErrWrongHost},
		"another session's":    {f.answer(t, req, func(a *wire.Answer) { a.Session[0]++ }), ErrWrongSession},
		"another request's":    {f.answer(t, req, func(a *wire.Answer) { a.RequestHash[0]++ }), ErrWrongRequest},
		"grant without rights": {forge(t, f.host.pair, tagAnswer, &noRights), ErrRights},
		"rights without grant": {forge(t, f.host.pair, tagAnswer, &stray), ErrRights},
		"signed as a pledge":   {forge(t, f.host.pair, tagPledge, &stray), ErrSignature},
		"a pledge":             {f.pledge(t, req), ErrMalformed},
		"run out": {f.answer(t, req, func(a *wire.Answer) {
			a.Expires = f.now.Add(-maxClockSkew).Unix()
		}), ErrExpired},
	} {
		if a, err := VerifyAnswer(c.env, check); !errors.Is(err, c.want) || a != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A host that turns a request down before its pledge is tied to the number that
// was typed; it can never grant that way.
func TestAnswerWithoutPledge(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	check := f.answerCheck(t, req)
	check.Pledge = nil
	busy := func(a *wire.Answer) { a.Verdict, a.Rights, a.Expires = wire.VerdictBusy, 0, 0 }
	if a, err := VerifyAnswer(f.answer(t, req, busy), check); err != nil || a.Verdict != wire.VerdictBusy {
		t.Errorf("busy: %+v, %v", a, err)
	}
	if _, err := VerifyAnswer(f.answer(t, req), check); !errors.Is(err, ErrWrongHost) {
		t.Errorf("granted: %v", err)
	}
	impostor := must(NewHostKey())(t)
	body := wire.Answer{Session: check.Session, RequestHash: check.RequestHash, Verdict: wire.VerdictRefused}
	if _, err := VerifyAnswer(must(impostor.SignAnswer(&body))(t), check); !errors.Is(err, ErrWrongMachine) {
		t.Errorf("impostor: %v", err)
	}
}

func TestEveryFlippedByteOfAnAnswerIsRefused(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	check := f.answerCheck(t, req)
	flips(f.answer(t, req), func(at int, env []byte) {
		if a, err := VerifyAnswer(env, check); err == nil || a != nil {
			t.Errorf("byte %d changed and believed", at)
		}
	})
}

func TestSigningRefusesContradictions(t *testing.T) {
	f := setUp(t)
	for _, a := range []wire.Answer{{Verdict: wire.VerdictGranted}, {Verdict: wire.VerdictRefused, Rights: 1}} {
		if _, err := f.host.SignAnswer(&a); !errors.Is(err, ErrRights) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	if _, err := f.host.SignAnswer(&wire.Answer{}); err == nil {
		t.Error("signed an answer without a verdict")
	}
}

func TestGrantStandsSomeClockSkew(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	check := f.answerCheck(t, req)
	late := f.answer(t, req, func(a *wire.Answer) { a.Expires = f.now.Add(-maxClockSkew + time.Second).Unix() })
	if _, err := VerifyAnswer(late, check); err != nil {
		t.Error(err)
	}
}
