// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"

	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/ui"
)

// settings is the configuration in force, and the file that keeps it. It is the
// store of the screens' preferences.
type settings struct {
	dirs config.Dirs

	mu      sync.Mutex
	file    config.File // machine's and user's, merged
	changed func(config.File)
}

// Load returns what the person chose about the screens.
func (s *settings) Load() ui.Preferences {
	f := s.get().App
	p := ui.Preferences{Language: f.Language, Theme: f.Theme, TextSize: f.TextSize}
	if p.Theme == "system" {
		p.Theme = ""
	}
	return p
}

// Save keeps what the person chose about the screens.
func (s *settings) Save(p ui.Preferences) error {
	err := s.change(func(f *config.File) {
		f.App = config.App{Language: p.Language, Theme: p.Theme, TextSize: p.TextSize}
	})
	if err == nil && s.changed != nil {
		s.changed(s.get())
	}
	return err
}

// get is what is in force: the person's file within what the administrator's allows.
func (s *settings) get() config.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file
}

// change edits the user's own file, then reads again what is in force.
func (s *settings) change(edit func(*config.File)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, err := config.ReadUser(s.dirs)
	if err != nil {
		return err
	}
	edit(&user)
	if err := config.Save(s.dirs, user); err != nil {
		return err
	}
	merged, err := config.Load(s.dirs)
	if err != nil {
		return err
	}
	s.file = merged
	return nil
}

// ceiling is the most that policy lets a technician have on this machine. One in a
// restricted zone may be seen, and no more.
func ceiling(f config.File) consent.Rights {
	if f.Policy.Zone != "" {
		return named(f) & consent.RightView
	}
	return named(f)
}

// named is the rights that the files name.
func named(f config.File) consent.Rights {
	if f.Policy.Rights == nil {
		return consent.AllRights
	}
	var r consent.Rights
	for _, name := range *f.Policy.Rights {
		for one := consent.RightView; one <= consent.RightControl; one <<= 1 {
			if one.String() == name {
				r |= one
			}
		}
	}
	return r
}
