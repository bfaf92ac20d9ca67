// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assist/internal/journal"
)

// copyLate is for how long an entry may wait for the syslog server before the copy is none.
const copyLate = 24 * time.Hour

// copied is how far the journal's copy on the syslog server has come.
type copied struct {
	waiting int64     // entries that have not arrived
	newest  time.Time // when the newest that arrived was written; zero if none has, or it was purged
	oldest  time.Time // when the oldest that waits was written; zero if none does
}

// copied reads it from the journal and from what the sender last noted; both may go on meanwhile.
func (s *Server) copied(ctx context.Context) (copied, error) {
	kept, err := s.sent(ctx)
	if err != nil {
		return copied{}, err
	}
	size, err := journal.Size(ctx, s.store.reader)
	if err != nil {
		return copied{}, err
	}
	// Entries are numbered from 1 without a gap, newest first here: the last one that arrived and the
	// first that waits.
	around, err := journal.List(ctx, s.store.reader, journal.Filter{Before: kept + 2, Limit: 2})
	c := copied{waiting: max(0, size-kept)} // after a restore the sender may have come further than the journal
	for _, e := range around {
		switch e.Number {
		case kept:
			c.newest = e.At
		case kept + 1:
			c.oldest = e.At
		}
	}
	return c, err
}

// english and french tell it, each as one sentence.
func (c copied) english() string {
	arrived := "none is known to have arrived"
	if !c.newest.IsZero() {
		arrived = "the newest that arrived is of " + moment(c.newest.Unix())
	}
	return fmt.Sprintf("waiting entries: %d; %s", c.waiting, arrived)
}

func (c copied) french() string {
	arrived := "aucune ne semble arrivée"
	if !c.newest.IsZero() {
		arrived = "la dernière arrivée est du " + moment(c.newest.Unix())
	}
	return fmt.Sprintf("inscriptions en attente : %d ; %s", c.waiting, arrived)
}

// lookAtCopy: that a syslog server is configured says nothing of whether it takes anything.
func (s *Server) lookAtCopy(ctx context.Context) sight {
	to := s.cfg.Journal.Syslog
	if to == "" {
		return fine("pas de syslog", "no syslog")
	}
	c, err := s.copied(ctx)
	if errors.Is(err, errBeyond) {
		return unmet("la base dit la copie vers "+to+" en avance sur le journal : quelqu’un a écrit dans la base ; tout le journal est renvoyé à la prochaine connexion",
			err.Error()+"; the whole journal is sent again at the next connection")
	}
	if err != nil {
		return unmet("la copie vers "+to+" ne se lit pas", "how far the copy to "+to+" has come cannot be read: "+err.Error())
	}
	fr, en := c.french(), c.english()
	if _, err := syslogGreets(ctx, &s.cfg.Journal, min(s.limits.hello, syslogPatience)); err != nil {
		return unmet("la copie vers "+to+" n'arrive pas : « assist-server check » dit pourquoi, en anglais ; "+fr,
			"the copy to "+to+" does not get there: "+syslogAdvice(err)+"; "+en)
	}
	if !c.oldest.IsZero() && s.now().Sub(c.oldest) > copyLate {
		return unmet("la copie vers "+to+" a plus d'un jour de retard ; "+fr, "the copy to "+to+" is more than a day late; "+en)
	}
	return fine("copié vers "+to+" ; "+fr, "copied to "+to+"; "+en)
}
