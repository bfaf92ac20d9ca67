// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"errors"
	"strings"
	"testing"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

// phoneURL is a secret as servers send it.
const phoneURL = "otpauth://totp/INCI:anne?algorithm=SHA1&digits=6&issuer=INCI&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// enrolment is one under way; the phone says what its confirm returns.
type enrolment struct {
	certificate []byte
	err         error
}

func enrol(t *testing.T, phone func(n int) (string, error)) (*server, *peer, <-chan enrolment) {
	t.Helper()
	s := startServer(t)
	tech := newTechnician(t, s)
	result := make(chan enrolment, 1)
	asked := 0
	go func() {
		cert, err := tech.Enrol(t.Context(), "CODE", "mot de passe", func(login, url string) (string, error) {
			if login != "anne" || url != phoneURL {
				t.Errorf("confirm %q %q", login, url)
			}
			asked++
			return phone(asked)
		})
		result <- enrolment{cert, err}
	}()
	p := s.next()
	p.challenge()
	m := expect[*wire.Enrol](p)
	err := trust.VerifyHello(m.DeviceKey, trust.RoleEnrol, p.nonce, p.exporter, m.Signature)
	if err != nil || m.Code != "CODE" || m.Password != "mot de passe" || m.Version != wire.Version {
		t.Fatalf("enrol %+v, %v", m, err)
	}
	return s, p, result
}

func constant(code string) func(int) (string, error) {
	return func(int) (string, error) { return code, nil }
}

func TestEnrol(t *testing.T) {
	bubble(t, func(t *testing.T) {
		codes := []string{"111111", "222222"}
		_, p, result := enrol(t, func(n int) (string, error) { return codes[n-1], nil })
		p.send(&wire.EnrolSecret{Login: "anne", URL: phoneURL})
		if m := expect[*wire.EnrolConfirm](p); m.TOTP != "111111" {
			t.Errorf("confirm %+v", m)
		}
		p.send(&wire.Refused{Why: wire.RefusedIdentity})
		if m := expect[*wire.EnrolConfirm](p); m.TOTP != "222222" {
			t.Errorf("confirm %+v", m)
		}
		p.send(&wire.Enrolled{Certificate: []byte("certificate")})
		if r := <-result; r.err != nil || string(r.certificate) != "certificate" {
			t.Errorf("got %+v", r)
		}
	})
}

func TestEnrolRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, result := enrol(t, constant("1"))
		p.send(&wire.Refused{Why: wire.RefusedPassword})
		var no *RefusedError
		if r := <-result; !errors.As(r.err, &no) || no.Why != wire.RefusedPassword {
			t.Errorf("got %+v", r)
		}
	})
}

func TestEnrolGivesUpAfterFiveCodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, result := enrol(t, constant("1"))
		p.send(&wire.EnrolSecret{Login: "anne", URL: phoneURL})
		for range maxConfirms {
			expect[*wire.EnrolConfirm](p)
			p.send(&wire.Refused{Why: wire.RefusedIdentity})
		}
		var no *RefusedError
		if r := <-result; !errors.As(r.err, &no) || no.Why != wire.RefusedIdentity {
			t.Errorf("got %+v", r)
		}
	})
}

func TestEnrolTheTechnicianGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		closed := errors.New("closed")
		_, p, result := enrol(t, func(int) (string, error) { return "", closed })
		p.send(&wire.EnrolSecret{Login: "anne", URL: phoneURL})
		if r := <-result; !errors.Is(r.err, closed) {
			t.Errorf("got %+v", r)
		}
	})
}

// Looking for one's phone takes longer than a firewall remembers a connection.
func TestEnrolStaysAwake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, p, result := enrol(t, func(int) (string, error) { time.Sleep(10 * time.Minute); return "123456", nil })
		p.send(&wire.EnrolSecret{Login: "anne", URL: phoneURL})
		expect[*wire.EnrolConfirm](p)
		if n := len(s.pings); n < 10 {
			t.Errorf("%d pings in ten minutes", n)
		}
		p.send(&wire.Enrolled{})
		if r := <-result; r.err != nil || len(r.certificate) != 0 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestEnrolServerBreaksTheProtocol(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p, result := enrol(t, constant("1"))
		p.send(&wire.EnrolSecret{Login: "anne", URL: phoneURL})
		expect[*wire.EnrolConfirm](p)
		p.send(&wire.Challenge{})
		if r := <-result; !errors.Is(r.err, ErrServer) {
			t.Errorf("got %+v", r)
		}
	})
}

// A secret that no phone makes the right codes of is the server's fault, and is said to be
// before anybody looks for a phone.
func TestEnrolWithASecretThatNoPhoneTakes(t *testing.T) {
	bad := map[string]string{
		"no URL": "otpauth://[totp", "of counted codes": strings.Replace(phoneURL, "//totp/", "//hotp/", 1),
		"another scheme": strings.Replace(phoneURL, "otpauth", "https", 1),
		"cut off":        phoneURL[:len(phoneURL)-7],
		"none":           strings.Split(phoneURL, "&secret")[0], "short": strings.TrimSuffix(phoneURL, "JBSWY3DPEHPK3PXP"),
		"of bad letters": phoneURL[:len(phoneURL)-1] + "1", "of eight digits": strings.Replace(phoneURL, "=6", "=8", 1),
		"slower": strings.Replace(phoneURL, "=30", "=31", 1), "another hash": strings.Replace(phoneURL, "SHA1", "SHA256", 1),
	}
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, p, result := enrol(t, func(int) (string, error) {
					t.Error("a phone was asked for a code")
					return "111111", nil
				})
				p.send(&wire.EnrolSecret{Login: "anne", URL: text})
				if r := <-result; !errors.Is(r.err, ErrServer) {
					t.Errorf("got %+v", r)
				}
			})
		})
	}
}
