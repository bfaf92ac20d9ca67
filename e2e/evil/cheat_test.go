// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/trust"
	"assist/internal/wire"
)

// The data channels, and the steps of connection set-up, as docs/protocol.md numbers them.
const (
	onControl, onInput, onPlace, onLive = 0, 1, 2, 3

	stepAnswer, stepCandidate = 2, 3
)

// cheat is a technician with a true account and a patched app: the request is as it has
// to be, and on the connection that comes of it they say what they like.
type cheat struct {
	e       *ends
	cert    webrtc.Certificate
	print   [32]byte
	session wire.SessionID
	request []byte
	out     *rendezvous.Outgoing
	repeat  int // so many answers to the host's offer

	pc       *webrtc.PeerConnection
	channels [4]datachannel.ReadWriteCloser
	work     sync.WaitGroup
	stop     context.CancelFunc
}

// newCheat has a DTLS certificate, and nothing else yet.
func (e *ends) newCheat() (*cheat, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	x, err := x509.ParseCertificate(der)
	c := &cheat{e: e, cert: webrtc.CertificateFromX509(key, x), print: sha256.Sum256(der), repeat: 1, stop: func() {}}
	rand.Read(c.session[:])
	return c, err
}

// ask makes a request, and waits for the person's answer.
func (c *cheat) ask() (*wire.Answer, error) {
	q := &wire.Request{Session: c.session, Machine: c.e.host.number, Certificate: c.e.account.Certificate(), Fingerprint: c.print,
		Rights: uint16(consent.AllRights), Reason: "Imprimante muette", Expires: time.Now().Add(trust.RequestLife).Unix()}
	rand.Read(q.Nonce[:])
	var err error
	if c.request, err = c.e.who.device.SignRequest(q); err != nil {
		return nil, err
	}
	return c.askWith(c.request)
}

// askWith hands a signed request to the server, whose rules about codes are no matter of
// this test.
func (c *cheat) askWith(request []byte) (*wire.Answer, error) {
	forgive(c.e.b.t, c.e.b.db)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if c.out, err = c.e.account.Ask(ctx, c.e.who.code(c.e.b.t, time.Now()), request); err != nil {
		return nil, err
	}
	env, err := c.out.Answer(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return nil, err
	}
	body, err := wire.UnmarshalSigned(signed.Body)
	if err != nil {
		return nil, err
	}
	return body.(*wire.Answer), nil
}

// sneak asks, is granted what the person gives, and connects.
func (c *cheat) sneak() error {
	a, err := c.ask()
	if err != nil || a.Verdict != wire.VerdictGranted {
		return fmt.Errorf("not granted: %+v, %w", a, err)
	}
	return c.connect()
}

// connect answers the host's offer and waits until the channels are open.
func (c *cheat) connect() error {
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	var err error
	if c.pc, err = newClient(c.cert); err != nil {
		return err
	}
	open := make(chan int, len(c.channels))
	for id, name := range []string{"control", "input", "place", "live"} {
		if err := c.openChannel(uint16(id), name, open); err != nil {
			return err
		}
	}
	candidates := make(chan string, 64)
	c.pc.OnICECandidate(func(i *webrtc.ICECandidate) {
		if i != nil {
			candidates <- i.ToJSON().Candidate
		}
	})
	failed := make(chan error, 1)
	c.work.Go(func() { failed <- c.negotiate(ctx, candidates) })
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for range c.channels {
		select {
		case <-open:
		case err := <-failed:
			return fmt.Errorf("set-up ended: %w", err)
		case <-limit.C:
			return errors.New("no connection")
		}
	}
	return nil
}

// newClient speaks AV1 and counts packets, like the app.
func newClient(cert webrtc.Certificate) (*webrtc.PeerConnection, error) {
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	s.SetIPFilter(net.IP.IsLoopback)
	s.DetachDataChannels()
	media := &webrtc.MediaEngine{}
	err := errors.Join(media.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 96,
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeAV1, ClockRate: 90_000,
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}}}}, webrtc.RTPCodecTypeVideo),
		media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, webrtc.RTPCodecTypeVideo))
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(media)).
		NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{cert}})
}

func (c *cheat) openChannel(id uint16, name string, open chan<- int) error {
	negotiated := true
	dc, err := c.pc.CreateDataChannel(name, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		return err
	}
	dc.OnOpen(func() {
		if raw, err := dc.Detach(); err == nil {
			c.channels[id] = raw
			open <- int(id)
			c.work.Go(func() { drain(raw) })
		}
	})
	return nil
}

// drain reads what the host says, and does nothing of it.
func drain(from datachannel.ReadWriteCloser) {
	buf := make([]byte, 1<<17)
	for {
		if _, err := from.Read(buf); err != nil {
			return
		}
	}
}

// negotiate answers the host's offers until the request is over.
func (c *cheat) negotiate(ctx context.Context, candidates <-chan string) error {
	for {
		b, err := c.out.Receive(ctx)
		if err != nil || len(b) == 0 {
			return err
		}
		switch b[0] {
		case stepCandidate:
			mid, line := "0", uint16(0)
			_ = c.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: string(b[1:]), SDPMid: &mid, SDPMLineIndex: &line})
		case 1:
			if err := c.answer(ctx, string(b[1:])); err != nil {
				return err
			}
			c.work.Go(func() { c.trickle(ctx, candidates) })
		}
	}
}

func (c *cheat) answer(ctx context.Context, offer string) error {
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return err
	}
	d, err := c.pc.CreateAnswer(nil)
	if err == nil {
		err = c.pc.SetLocalDescription(d)
	}
	for range c.repeat {
		err = errors.Join(err, c.out.Send(ctx, append([]byte{stepAnswer}, d.SDP...)))
	}
	return err
}

func (c *cheat) trickle(ctx context.Context, candidates <-chan string) {
	for {
		select {
		case text := <-candidates:
			_ = c.out.Send(ctx, append([]byte{stepCandidate}, text...))
		case <-ctx.Done():
			return
		}
	}
}

// say puts messages on the channel where they belong. The host may have gone.
func (c *cheat) say(all ...wire.ToHost) {
	for _, m := range all {
		b, err := wire.Marshal(m)
		if err != nil {
			c.e.b.t.Error(err)
			return
		}
		channel := onControl
		if _, drives := m.(wire.Input); drives {
			channel = onInput
		}
		_, _ = c.channels[channel].Write(b)
	}
}

// put writes bytes as they are.
func (c *cheat) put(channel int, b []byte) { _, _ = c.channels[channel].Write(b) }

// vanish is gone without a word to the host or the server.
func (c *cheat) vanish() {
	c.stop()
	if c.pc != nil {
		_ = c.pc.GracefulClose()
	}
	c.work.Wait()
}
