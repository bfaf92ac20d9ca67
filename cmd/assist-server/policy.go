// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"assist/internal/server"
	"assist/internal/trust"
)

// runCharterPolicy changes what was given and nothing else: a flag that was left out keeps what
// is stored, which no default could stand for.
func runCharterPolicy(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter policy", "Shows or changes what the next charter says. Policy is ceilings: a machine or a\nperson may set less, nobody can set more. Flags of sources and zones may be repeated.")
	var rights, relay string
	var idle, lease, days int
	var c server.PolicyChange
	f.StringVar(&rights, "rights", "", "\"none\", or some of \"view point control\"")
	f.StringVar(&relay, "relay", "", "never, or internal")
	f.IntVar(&idle, "idle", 0, "minutes without the person until input freezes, 1 to 60")
	f.IntVar(&lease, "lease", 0, "minutes until the person is asked again, 1 to 120")
	f.IntVar(&days, "certificate-days", 0, "days that a technician's certificate lives, 1 to 90")
	f.Func("add-source", "address or prefix that technicians may help from", into(&c.AddSources))
	f.Func("remove-source", "one that they may not help from any more", into(&c.RemoveSources))
	f.Func("add-zone", "MACHINE=ZONE: only technicians with that zone may help there", zoneInto(&c.AddZones))
	f.Func("remove-zone", "MACHINE=ZONE, taken back", zoneInto(&c.RemoveZones))
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	c.Rights, c.Relay = textFlag(f, "rights", &rights), textFlag(f, "relay", &relay)
	c.IdleMinutes, c.LeaseMinutes, c.CertificateDays = intFlag(f, "idle", &idle), intFlag(f, "lease", &lease), intFlag(f, "certificate-days", &days)
	changes := false // none asked for is a question: show what there is
	f.Visit(func(one *flag.Flag) { changes = changes || (one.Name != "dir" && one.Name != "passphrase-file") })
	return with(*dir, func(s *server.Server) error {
		if !changes {
			return showPolicy(ctx, p, s)
		}
		if err := s.ChangePolicy(ctx, c); err != nil {
			return err
		}
		fmt.Fprintln(p.out, "Noted.")
		return settle(ctx, p, s, *file)
	})
}

// into collects a flag that may be repeated.
func into(list *[]string) func(string) error {
	return func(s string) error {
		*list = append(*list, strings.TrimSpace(s))
		return nil
	}
}

// zoneInto takes the machine's number in groups of four, as the app shows it.
func zoneInto(list *[]trust.MachineZone) func(string) error {
	return func(s string) error {
		machine, zone, found := strings.Cut(s, "=")
		if !found {
			return errors.New("want MACHINE=ZONE")
		}
		*list = append(*list, trust.MachineZone{Machine: strings.ReplaceAll(machine, " ", ""), Zone: strings.TrimSpace(zone)})
		return nil
	}
}

// showPolicy prints the wishes; what counts is in "charter show".
func showPolicy(ctx context.Context, p *program, s *server.Server) error {
	d, err := s.NextCharter(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "rights            %s\nidle              %d minutes\nlease             %d minutes\nrelay             %s\ncertificate-days  %d\n",
		d.Policy.Rights, d.Policy.IdleMinutes, d.Policy.LeaseMinutes, d.Policy.Relay, d.Policy.CertificateDays)
	for _, one := range d.Sources {
		fmt.Fprintf(p.out, "source            %s\n", one)
	}
	for _, z := range d.Zones {
		fmt.Fprintf(p.out, "zone              %s=%s\n", z.Machine, z.Zone)
	}
	if len(d.Sources) == 0 {
		warn(p, "no source address is listed, so nobody may help from anywhere (--add-source).")
	}
	if waits, err := s.Pending(ctx); err != nil || !waits {
		return err
	}
	_, err = fmt.Fprintln(p.out, "\nThat is the wish. Something in it is not in the charter yet: see \"charter show\".")
	return err
}

// runCharterRotate warns in its help of what it cannot do: a copied key hands over as well as its
// owner does.
func runCharterRotate(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "charter rotate", "Changes the unit key: a new one is made, under the same passphrase, and the old one\nsigns that it follows. It shows what changes, and asks. Without --draft in the data directory, while the server is\nstopped; with --draft where the key is kept. Every machine's number changes, and\njoin codes must be handed out anew. It does not help against somebody who has\ncopied the old key: that one can hand over, too.")
	file := f.String("passphrase-file", "", "file with the passphrase (default: it is asked for)")
	draft := f.String("draft", "", "draft of the next charter, when the key is kept elsewhere")
	key := f.String("key", "", "the old unit key, with --draft")
	next := f.String("new-key", "", "file to make for the new unit key, with --draft")
	rotation := f.String("rotation", "", "file to make for the change, with --draft")
	out := f.String("out", "", "file to make for the charter, with --draft")
	yes := f.Bool("yes", false, "do not ask whether the changes are meant")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *draft != "" && (*key == "" || *next == "" || *rotation == "" || *out == "") {
		return required(p, "charter rotate", "with --draft, --key, --new-key, --rotation and --out are")
	}
	pass, err := passphrase(p, *file)
	if err != nil {
		return err
	}
	if *draft != "" {
		return rotateDraft(p, rotateFiles{*key, *next, *draft, *rotation, *out, *yes}, pass)
	}
	return with(*dir, func(s *server.Server) error {
		next, err := s.PrepareRotation(ctx, pass)
		if err != nil {
			return err
		}
		showSuccession(p, next, "in force")
		if !*yes {
			if err := confirm(p, askRotation); err != nil {
				return err
			}
		}
		if err := s.Rotate(ctx, next, pass); err != nil {
			return err
		}
		fmt.Fprintln(p.out, "The unit has a new key. Start the server, and hand out the new join code.")
		return showJoinCode(p, s.JoinCode())
	})
}

// askRotation is answered by yes, after what showSuccession prints.
const askRotation = "\nThe old key cannot come back. Is that what you mean? Type yes: "

// showSuccession is what a person reads before the unit has another key: the charter as any
// signature shows it, the keys, and what it makes everybody do.
func showSuccession(p *program, next *server.Succession, before string) {
	showSigned(p, &next.Signed, before)
	fmt.Fprintf(p.out, `
The unit key changes:
  - %s
  + %s
  (SHA-256, its first half; the journal's entry "x has all of it)

What that makes everybody do:
  - People who are helped: read out a new number. Every machine's number changes; noted ones are worth nothing.
  - Who deploys: hand out the new join code, in assist.toml too. The old one names the old key.
  - Technicians: nothing but to connect. Their certificates are made anew; they ask for the new numbers.
  - Apps that belong to the unit follow by themselves when they connect.
  - You: keep the new key as the old one was kept, with a copy in a safe. After a restore, run "journal restart" again.
`, server.Fingerprint(next.From), server.Fingerprint(next.To()))
}

// rotateFiles are named by the person: nothing is found by itself beside a unit key.
type rotateFiles struct {
	key, next, draft, rotation, out string
	yes                             bool
}

// rotateDraft works offline: a person reads what will change, then confirms it. The new key is sealed
// under the passphrase of the old one: a new one could be mistyped here, once, and the key be lost.
func rotateDraft(p *program, f rotateFiles, pass string) error {
	d, err := server.ReadDraft(f.draft)
	if err != nil {
		return err
	}
	signer, err := server.OpenSigner(f.key, pass)
	if err != nil {
		return err
	}
	next, err := signer.Rotate(d, server.RotateFiles{Key: f.next, Rotation: f.rotation, Charter: f.out})
	if err != nil {
		return err
	}
	showSuccession(p, next, "signed with this key")
	if !f.yes {
		if err := confirm(p, askRotation); err != nil {
			return err
		}
	}
	if err := signer.KeepRotation(next, pass); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "The new unit key is %s. On the server, while it is stopped, run:\n\n  assist-server charter publish --from %s --rotation %s\n", f.next, f.out, f.rotation)
	return err
}

// publishRotation prints the join code at once: the one before names the old key, and computers
// that join by it would have to follow the chain.
func publishRotation(ctx context.Context, p *program, s *server.Server, file string, charter []byte) error {
	rotation, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := s.PublishRotation(ctx, rotation, charter); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The unit has a new key. Start the server, and hand out the new join code.")
	return showJoinCode(p, s.JoinCode())
}

func tlsCommands() group {
	return group{"assist-server tls", []command{
		{"next", "make the next TLS key, for the charter to announce", runTLSNext},
		{"switch", "take the announced TLS key into use", runTLSSwitch},
	}}
}

func runTLS(ctx context.Context, p *program, args []string) error {
	return tlsCommands().dispatch(ctx, p, args)
}

// runTLSNext and runTLSSwitch are two steps with days between: an app that was off for all of
// them comes back by a new join code only.
func runTLSNext(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "tls next", "Makes the TLS key that comes after the one in use. The next charter announces it,\nso that apps that have seen that charter follow when it is taken into use.")
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		if err := s.AnnounceTLS(ctx); err != nil {
			return err
		}
		fmt.Fprintln(p.out, "The next TLS key is made. Once the charter announces it, wait until the machines have been\nconnected (a week, say), then run \"tls switch\".")
		return settle(ctx, p, s, *file)
	})
}

// runTLSSwitch publishes too, where it can: the charter then names the new key as the current one.
func runTLSSwitch(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "tls switch", "Takes the announced TLS key into use; a running server does so within a second.\nApps that have seen the charter which announces it follow by themselves.")
	file := f.String("passphrase-file", "", "file with the passphrase: sign and publish at once")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		if err := s.SwitchTLS(ctx); err != nil {
			return err
		}
		fmt.Fprintln(p.out, "The new TLS key is in use. Old join codes no longer work; hand out this one:")
		if err := showJoinCode(p, s.JoinCode()); err != nil {
			return err
		}
		return settle(ctx, p, s, *file)
	})
}

func machineCommands() group {
	return group{"assist-server machine", []command{
		{"list", "list the machines, and those held back", runMachineList},
		{"release", "let a machine in again that two computers claimed to be", runMachineRelease},
	}}
}

func runMachine(ctx context.Context, p *program, args []string) error {
	return machineCommands().dispatch(ctx, p, args)
}

// runMachineList gives the day a machine was last seen, and no hour: nobody's working hours are kept.
func runMachineList(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "machine list", "Lists the machines. One that two computers claimed to be at the same time, with\none key, is held back until it is released.")
	if err := parse(p, f, args); err != nil {
		return err
	}
	return with(*dir, func(s *server.Server) error {
		all, err := s.Machines(ctx)
		if err != nil {
			return err
		}
		return table(p.out, "MACHINE\tFIRST SEEN\tLAST SEEN\tHELD BACK", len(all), func(i int) string {
			m := all[i]
			held := "-"
			if !m.DuplicateSince.IsZero() {
				held = "two computers with one key, since " + date(m.DuplicateSince)
			}
			return strings.Join([]string{m.Number, date(m.FirstSeen), m.LastSeen.UTC().Format(time.DateOnly), held}, "\t")
		})
	})
}

// runMachineRelease believes the administrator: the server cannot tell which of two computers
// with one key is the copy.
func runMachineRelease(ctx context.Context, p *program, args []string) error {
	f, dir := flags(p, "machine release", "Lets a machine in again. First see to it that only one computer has its key: on\nthe copy, close the app and delete its host key (docs/server.md, \"Two computers\").")
	number := f.String("machine", "", "its number, 12 digits (required)")
	if err := parse(p, f, args); err != nil {
		return err
	}
	if *number == "" {
		return required(p, "machine release", "--machine is")
	}
	return with(*dir, func(s *server.Server) error {
		if err := s.ReleaseMachine(ctx, strings.ReplaceAll(*number, " ", "")); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "The machine %s may connect again.\n", *number)
		return err
	})
}
