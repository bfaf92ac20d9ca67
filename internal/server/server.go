// SPDX-License-Identifier: Apache-2.0

// Package server introduces hosts and technicians to each other: it
// authenticates technicians, knows which machines are connected, records every
// request in the journal before it is forwarded, and carries the messages of
// package wire between the two ends of one session.
//
// It is not trusted with identity, consent, pictures or keys. What it forwards
// is signed end to end; what it can do is see who talks to whom, and refuse.
//
// SQL is the only truth: accounts, machines, sessions, journal. The bus (NATS
// core, inside the process, without a port) carries messages and presence, and
// holds no state: a machine is connected when somebody listens to its subject.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"assist/internal/journal"
	"assist/internal/process"
	"assist/internal/trust"
)

// Errors of this package.
var (
	ErrExists      = errors.New("server: the data directory is already set up")
	ErrConfig      = errors.New("server: configuration")
	ErrSetting     = errors.New("server: setting not acceptable")
	ErrNoServer    = errors.New("server: no data directory here")
	ErrTooNew      = errors.New("server: the database was written by a newer version")
	ErrTooOld      = errors.New("server: the database is of an older version than this program: restart the server first, which brings it up to date")
	ErrTechnician  = errors.New("server: technician not acceptable")
	ErrUnknown     = errors.New("server: no such technician")
	ErrUnitKey     = errors.New("server: unit key")
	ErrRunning     = errors.New("server: already running")
	ErrCharter     = errors.New("server: charter")
	ErrStale       = errors.New("server: drawn up too early")
	ErrTLS         = errors.New("server: TLS key")
	ErrMachine     = errors.New("server: no such machine")
	errPassword    = errors.New("server: password too weak")
	errIdentity    = errors.New("server: wrong factor")
	errBeyond      = errors.New("server: the copy to syslog is said to be ahead of the journal: somebody wrote to the database")
	errDuplicate   = errors.New("server: a live host has this key or this number")
	errBusy        = errors.New("server: at its limit")
	errUnsigned    = errors.New("server: certificate awaits a signature")
	errNotListened = errors.New("server: nobody listens")
	errNoMachine   = errors.New("server: no such machine")
	errJournal     = errors.New("server: journal not writable")
	errCrowded     = errors.New("server: no more new machines today")
	errProtocol    = errors.New("server: the client broke the protocol")
	errGone        = errors.New("server: connection lost")
	errHeader      = errors.New("server: no good header of a proxy")
	errStopping    = errors.New("server: stopping")
	errKicked      = errors.New("server: account closed")
)

// Files of the data directory.
const (
	fileConfig   = "assist-server.toml"
	fileDatabase = "assist.db"
	fileUnitKey  = "unit.key"      // sealed under the passphrase
	fileUnitNext = "unit-next.key" // while a change of unit key is under way
	fileUnitPub  = "unit.pub"      // the unit's first key; rotations lead on from it
	fileTLSKey   = "tls.key"
	fileTLSCert  = "tls.crt"
	fileTLSNext  = "tls-next.key" // announced by the charter, not in use yet
	fileSecret   = "secret.key"   // seals the TOTP secrets in the database
	fileJournal  = "journal.key"
	fileLock     = "lock"            // held while a server runs
	fileRestart  = "journal.restart" // the unit's word for a restored history, if there is one
	// The newest checkpoint, which the database must go on from.
	fileCheckpoint = "journal.checkpoint"
)

// bySelf stands in the journal where no administrator's command did it.
const bySelf = "server"

// Options are what the caller decides. Init uses all of them but AsItIs, Open only
// Passphrase, Version, By, AsItIs and Log.
type Options struct {
	Name       string   // of the unit, as users will read it
	Address    string   // host:port that clients connect to; stands in the join code
	Listen     string   // host:port of the TCP port; empty for all addresses, Address's port
	STUN       string   // host:port of the UDP port; empty for all addresses, 3478; "off" for none
	Passphrase string   // of the unit key; Open may go without
	Sources    []string // where technicians may help from; empty for private networks
	Version    string   // of the program, for the journal
	By         string   // account that runs a command, for the journal; empty for a server that serves
	AsItIs     bool     // an older database is refused: nothing is to change
	Log        *slog.Logger
}

// Server is one data directory, opened.
type Server struct {
	dir     string
	opts    Options
	cfg     config
	log     *slog.Logger
	store   *store
	unit    trust.UnitPublic
	tls     tlsKeys
	secret  [32]byte
	journal *trust.JournalKey
	now     func() time.Time
	limits  limits
	hashing gate // Argon2 of passwords
	naming  gate // Argon2 of machine numbers

	mu        sync.Mutex // guards the next two
	listening *ports
	lock      io.Closer // the data directory, while it runs

	// Set before any connection is served.
	unitKey     *trust.UnitKey // nil while the unit key is closed
	bus         *bus
	registering claims
	newcomers   paces
	crowd       crowd
	fetching    paces
	drops       drops
	strangers   strangers

	chain    [][]byte              // changes of unit key since unit.pub
	force    atomic.Pointer[force] // the newest charter
	loading  sync.Mutex            // held while force is replaced
	signing  sync.Mutex            // held while a charter is drawn up and signed
	reminded time.Time             // watchCharter's
	obstacle string                // watchCharter's: the error that was logged last

	rewritten atomic.Bool // the journal does not go on from what was signed: see ErrHistory
}

// Open reads a data directory that Init made.
func Open(dir string, o Options) (*Server, error) {
	s := &Server{dir: dir, opts: o, log: o.Log, now: time.Now, limits: standardLimits(),
		hashing: newGate(2, 32), naming: newGate(2, 64)}
	s.newcomers.every, s.newcomers.burst = rate.Every(newcomerEvery), newcomerBurst
	s.fetching.every, s.fetching.burst = rate.Every(fetchEvery), fetchBurst
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	cfg, err := loadConfig(s.path(fileConfig))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s", ErrNoServer, dir, fileConfig)
	}
	if err != nil {
		return nil, err
	}
	s.cfg = cfg
	if err := s.loadKeys(); err != nil {
		return nil, err
	}
	bring := migrateAlone
	if o.AsItIs {
		bring = asItIs
	}
	if s.store, err = openStoreWith(s.path(fileDatabase), bring); err != nil {
		return nil, err
	}
	if o.By != "" {
		s.store.by = o.By
	}
	if err := s.loadUnit(context.Background()); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	if err := s.loadJournalKey(context.Background()); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	return s, nil
}

// loadUnit follows the unit key to the one in force, and takes up the charter. A
// charter that is not to be believed is as good as none: commands that mend it
// must run.
func (s *Server) loadUnit(ctx context.Context) error {
	var err error
	if s.chain, err = s.store.rotations(ctx); err != nil {
		return err
	}
	if s.unit, _, err = trust.FollowRotations(s.chain, s.unit, s.now(), 0); err != nil {
		return fmt.Errorf("%w: %w", ErrUnitKey, err)
	}
	if err := s.loadCharter(ctx); err != nil {
		s.log.Error("the charter is not to be believed", "error", err)
	}
	return nil
}

// path is where a file of the data directory lies.
func (s *Server) path(file string) string { return filepath.Join(s.dir, file) }

// Close releases the database, and the ports if Listen was called without Run.
// Call it once Run has returned.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listening != nil && s.lock == nil {
		s.listening.close()
		s.listening = nil
	}
	return s.store.close()
}

// Listen binds the ports. Run does it too when it was not done before.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listening != nil {
		return nil
	}
	p, err := bind(s.cfg.Server)
	if err != nil {
		return err
	}
	s.listening = p
	return nil
}

// Addr is the first TCP address that Listen bound, or the zero value.
func (s *Server) Addr() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listening == nil {
		return netip.AddrPort{}
	}
	return s.listening.addr()
}

// JoinCode is what clients must know of this server.
func (s *Server) JoinCode() trust.JoinCode {
	pin, _ := s.pins()
	return trust.JoinCode{Server: s.cfg.Server.Address, Pin: pin, Unit: s.unit}
}

// Run serves until ctx ends, then tells the clients and returns. It may be
// called once.
func (s *Server) Run(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.finish()
	var err error
	if s.unitKey == nil {
		s.unitKey, err = s.openUnitKey()
	}
	if err != nil {
		return err
	}
	if s.bus, err = startBus(s.log, &s.drops); err != nil {
		return err
	}
	defer s.bus.stop()
	// What follows is written to the end also when the start is broken off: half of it would
	// leave requests open that nobody can answer.
	if err := s.lookAtClock(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if err := s.recover(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if err := s.keepRetention(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if _, err := s.checkpoint(context.WithoutCancel(ctx)); errors.Is(err, ErrHistory) {
		s.log.Error("the journal is not the one that was signed", "error", err)
	} else if err != nil {
		return err
	}
	s.tellBegin()
	s.log.Info("serving", "address", s.Addr().String(), "unitKeyOpen", s.unitKey != nil)
	err = s.serve(ctx)
	s.drops.log(s.log)
	err = errors.Join(err, s.record(context.WithoutCancel(ctx), &journal.ServerStopped{}))
	_, noCheckpoint := s.checkpoint(context.WithoutCancel(ctx))
	return errors.Join(err, noCheckpoint)
}

// begin takes the directory before the ports: a second server on the same one is told so, and
// not that a port is taken.
func (s *Server) begin() error {
	held, err := s.alone()
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return errors.Join(err, held.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lock = held
	return nil
}

// alone takes the data directory for one server, until the closer is closed: two would
// each know half of who is there.
func (s *Server) alone() (io.Closer, error) {
	held, err := process.Lock(s.path(fileLock))
	if errors.Is(err, process.ErrHeld) {
		return nil, fmt.Errorf("%w: a server runs on %s; stop it first", ErrRunning, s.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("server: data directory: %w", err)
	}
	return held, nil
}

// finish lets go in the order in which begin took hold, backwards: whoever waits for the directory
// finds the ports free.
func (s *Server) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening.close()
	s.listening = nil
	if err := s.lock.Close(); err != nil {
		s.log.Error("the data directory is not let go", "error", err)
	}
	s.lock = nil
}

// recover ends what a stop left undecided: a request that nobody answered died
// with its connections. Sessions that were granted go on between their ends.
func (s *Server) recover(ctx context.Context) error {
	if err := s.record(ctx, &journal.ServerStarted{Version: s.opts.Version}); err != nil {
		return err
	}
	left, err := s.store.unanswered(ctx)
	if err != nil {
		return err
	}
	for _, id := range left {
		if _, err := s.endSession(ctx, id, endedByRestart()); err != nil {
			return err
		}
	}
	return nil
}

// openUnitKey returns nil when no passphrase was given.
func (s *Server) openUnitKey() (*trust.UnitKey, error) {
	pass := s.opts.Passphrase
	if pass == "" && s.SignsItself() {
		var err error
		if pass, err = s.StoredPassphrase(); err != nil {
			return nil, err
		}
	}
	if pass == "" {
		return nil, nil
	}
	return s.unlock(pass)
}

// StoredPassphrase reads the file that the configuration names.
func (s *Server) StoredPassphrase() (string, error) {
	b, err := os.ReadFile(s.cfg.Unit.PassphraseFile)
	if err != nil {
		return "", fmt.Errorf("%w: unit.passphrase_file: %w", ErrUnitKey, err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// unlock opens the unit key in force. A change of key that was interrupted left
// it under its other name.
func (s *Server) unlock(passphrase string) (*trust.UnitKey, error) {
	var first error
	for _, file := range []string{fileUnitKey, fileUnitNext} {
		k, err := trust.OpenUnitKey(s.path(file), passphrase)
		if err == nil && string(k.Public()) != string(s.unit) {
			err = fmt.Errorf("%s is not the unit key in force", file)
		}
		if err == nil {
			return k, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrUnitKey, first)
}

// record appends one event on its own.
func (s *Server) record(ctx context.Context, e journal.Event) error {
	return s.store.write(ctx, func(t *transaction) error { return t.record(s.now(), e) })
}
