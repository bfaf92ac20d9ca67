// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"assist/internal/wire"
)

func TestReceiptSignature(t *testing.T) {
	f := setUp(t)
	text := []byte(`{"who":"Anne Petit"}`)
	sig := must(f.host.SignReceipt(text))(t)
	if err := VerifyReceipt(f.host.Public(), text, sig); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		bad := append([]byte(nil), text...)
		bad[i] ^= 1
		if VerifyReceipt(f.host.Public(), bad, sig) == nil {
			t.Errorf("byte %d changed, and believed", i)
		}
	}
	if VerifyReceipt(f.device.Public(), text, sig) == nil {
		t.Error("believed of another key")
	}
	if verify(f.host.Public(), tagAnswer, text, sig) == nil {
		t.Error("a receipt passes for an answer")
	}
}

// evidence is that of the fixture's good exchange.
func (f fixture) evidence(t testing.TB) Evidence {
	request := f.request(t)
	return Evidence{
		Unit: f.unit.Public(), Host: f.host.Public(), Machine: f.machine, Heard: f.now, Certificate: f.certificate(t),
		Request: request, Pledge: f.pledge(t, request), Answer: f.answer(t, request),
	}
}

func TestEvidenceProves(t *testing.T) {
	f := setUp(t)
	p, err := f.evidence(t).Prove()
	if err != nil || p.Certificate.Name != "Anne Petit" || p.Request.Reason != "imprimante muette" || p.Answer.Verdict != wire.VerdictGranted {
		t.Fatalf("%+v, %v", p, err)
	}
}

func TestEvidenceIsRefused(t *testing.T) {
	f := setUp(t)
	other := must(NewUnitKey())(t)
	stranger := must(NewHostKey())(t)
	for name, c := range map[string]struct {
		change func(*Evidence)
		want   error
	}{
		"another unit":    {func(e *Evidence) { e.Unit = other.Public() }, ErrCertificate},
		"another host":    {func(e *Evidence) { e.Host = stranger.Public() }, ErrWrongHost},
		"another machine": {func(e *Evidence) { e.Machine = "000000000000" }, ErrWrongMachine},
		"too late":        {func(e *Evidence) { e.Heard = e.Heard.Add(time.Hour) }, ErrExpired},
		"another certificate": {func(e *Evidence) {
			e.Certificate = f.certificate(t, func(c *wire.Certificate) { c.DeviceKey = must(NewDeviceKey())(t).Public() })
		}, ErrCertificate},
		"another request": {func(e *Evidence) {
			e.Request = f.request(t, func(r *wire.Request) { r.Reason = "autre chose" })
		}, ErrWrongRequest},
		"no pledge":              {func(e *Evidence) { e.Pledge = nil }, ErrMalformed},
		"no answer":              {func(e *Evidence) { e.Answer = nil }, ErrMalformed},
		"an answer for a pledge": {func(e *Evidence) { e.Pledge = e.Answer }, ErrMalformed},
	} {
		e := f.evidence(t)
		c.change(&e)
		if _, err := e.Prove(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

const receiptFile = "testdata/receipt.json"

// A receipt signed by an app of yesterday.
func TestReceiptVector(t *testing.T) {
	type vector struct {
		Host      hexBytes
		Text      string
		Signature hexBytes
	}
	if *update {
		f := setUp(t)
		v := vector{Host: f.host.Public(), Text: "{\n  \"who\": \"Anne Petit\"\n}"}
		v.Signature = must(f.host.SignReceipt([]byte(v.Text)))(t)
		b := must(json.MarshalIndent(v, "", "  "))(t)
		if err := os.WriteFile(receiptFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var v vector
	if err := json.Unmarshal(must(os.ReadFile(receiptFile))(t), &v); err != nil {
		t.Fatal(err)
	}
	if err := VerifyReceipt(v.Host, []byte(v.Text), v.Signature); err != nil {
		t.Error(err)
	}
}
