// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"
)

const (
	av1Payload = 96
	// feedbackEvery is how often the technician reports which packets came when.
	feedbackEvery = 40 * time.Millisecond
	// replayWindow is how late, in packets, a repeated packet may come.
	replayWindow = 4096
	// flightEvery is when the first flight of the DTLS handshake is repeated; the library doubles
	// it each time (RFC 6347, section 4.2.4.1). From the usual second on, repeats at 7 and at 15 s
	// would leave paths that were found between them unused; these come at 0.4, 1.2, 2.8, 6 and 12.4 s.
	flightEvery = 400 * time.Millisecond
	// socketBuffer holds a whole key frame while the program is busy, in bytes.
	socketBuffer = 4 << 20
)

// role is which end of the connection we are.
type role uint8

const (
	roleHost role = iota + 1
	roleTechnician
)

// newConnection makes a peer connection that speaks what this package speaks
// and nothing else, with ends from where sources lets them be.
func newConnection(cfg Config, r role, from *sources) (*webrtc.PeerConnection, error) {
	settings, err := newSettings(cfg, from)
	if err != nil {
		return nil, err
	}
	media, err := newMedia()
	if err != nil {
		return nil, err
	}
	registry, err := newInterceptors(r)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(*settings), webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(registry))
	c := webrtc.Configuration{
		Certificates: []webrtc.Certificate{cfg.Identity.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	}
	if cfg.STUN != "" {
		c.ICEServers = []webrtc.ICEServer{{URLs: []string{"stun:" + strings.TrimPrefix(cfg.STUN, "stun:")}}}
	}
	pc, err := api.NewPeerConnection(c)
	if err != nil {
		return nil, fmt.Errorf("peer: connection: %w", err)
	}
	return pc, nil
}

func newSettings(cfg Config, from *sources) (*webrtc.SettingEngine, error) {
	s := &webrtc.SettingEngine{LoggerFactory: silent{}}
	network := cfg.network
	if network == nil {
		std, err := stdnet.NewNet()
		if err != nil {
			return nil, fmt.Errorf("peer: network: %w", err)
		}
		network = roomy{std}
	}
	s.SetNet(network)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	if from != nil {
		s.SetRemoteIPFilter(from.keep)
	}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	s.SetICETimeouts(5*time.Second, 10*time.Second, time.Second)
	s.SetDTLSRetransmissionInterval(flightEvery)
	s.SetDTLSCipherSuites(dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)
	s.SetDTLSEllipticCurves(elliptic.X25519, elliptic.P256)
	s.SetDTLSExtendedMasterSecret(dtls.RequireExtendedMasterSecret)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM)
	s.SetSRTPReplayProtectionWindow(replayWindow)
	s.EnableSCTPZeroChecksum(true) // DTLS already protects every byte
	s.DetachDataChannels()
	return s, nil
}

// newMedia knows AV1 and no other codec.
func newMedia() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	err := m.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:  webrtc.MimeTypeAV1,
			ClockRate: clockRate,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: webrtc.TypeRTCPFBNACK},
				{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
				{Type: webrtc.TypeRTCPFBTransportCC},
			},
		},
		PayloadType: av1Payload,
	}, webrtc.RTPCodecTypeVideo)
	if err != nil {
		return nil, fmt.Errorf("peer: codec: %w", err)
	}
	err = m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, webrtc.RTPCodecTypeVideo)
	if err != nil {
		return nil, fmt.Errorf("peer: header extension: %w", err)
	}
	return m, nil
}

// newInterceptors lets the technician report when each packet arrived. All else is
// done by this package: a library that repeats lost packets would do so outside the
// permit.
func newInterceptors(r role) (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	if r != roleTechnician {
		return registry, nil
	}
	reports, err := twcc.NewSenderInterceptor(twcc.SendInterval(feedbackEvery), twcc.WithLoggerFactory(silent{}))
	if err != nil {
		return nil, fmt.Errorf("peer: feedback: %w", err)
	}
	registry.Add(reports)
	return registry, nil
}

// roomy is the system's network with sockets that hold a key frame.
type roomy struct{ *stdnet.Net }

// Interfaces are those that there are now; the library would list those of its making.
func (n roomy) Interfaces() ([]*transport.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}

func (n roomy) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	// The system may grant less; that costs repeats, not pictures.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	return c, nil
}

// silent keeps the library from logging: its lines name addresses.
type silent struct{}

func (silent) NewLogger(string) logging.LeveledLogger { return quiet{} }

type quiet struct{}

func (quiet) Trace(string)          {}
func (quiet) Tracef(string, ...any) {}
func (quiet) Debug(string)          {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Info(string)           {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warn(string)           {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Error(string)          {}
func (quiet) Errorf(string, ...any) {}
