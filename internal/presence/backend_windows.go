// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Window messages and their codes, by their names in the Windows headers.
const (
	wmDestroy          = 0x0002
	wmClose            = 0x0010
	wmQueryEndSession  = 0x0011
	wmEndSession       = 0x0016
	wmPowerBroadcast   = 0x0218
	wmWTSSessionChange = 0x02B1
	pbtSuspend         = 0x0004
	pbtResumeSuspend   = 0x0007
	pbtResumeAutomatic = 0x0012
	wtsConsoleConnect  = 1
	wtsConsoleLeave    = 2
	wtsRemoteConnect   = 3
	wtsRemoteLeave     = 4
	wtsLogon           = 5
	wtsLogoff          = 6
	wtsLock            = 7
	wtsUnlock          = 8
	notifyThisSession  = 0
	classAlreadyExists = windows.Errno(1410)
	hiddenToolWindow   = 0x00000080
)

// sources is the one that Windows has: messages to a window that nobody sees. It is
// no message-only window, which is told nothing of sleep.
func sources(Options) []source { return []source{{"windows", runWindow}} }

// session is what Windows says of this session. Its fields belong to the window's
// thread.
type session struct {
	report                       report
	locked, left, ending, asleep bool
}

func (s *session) cause() Cause {
	switch {
	case s.asleep:
		return Asleep
	case s.left, s.ending:
		return Left
	case s.locked:
		return Locked
	}
	return Here
}

// hear takes in a message and reports whether it was about the session.
func (s *session) hear(message uint32, code uintptr) bool {
	switch message {
	case wmWTSSessionChange:
		s.change(code)
	case wmPowerBroadcast:
		switch code {
		case pbtSuspend:
			s.asleep = true
		case pbtResumeSuspend, pbtResumeAutomatic:
			s.asleep = false
		}
	case wmEndSession:
		s.ending = code != 0
	default:
		return false
	}
	s.report.say(s.cause())
	return true
}

func (s *session) change(code uintptr) {
	switch code {
	case wtsLock:
		s.locked = true
	case wtsUnlock:
		s.locked = false
	case wtsConsoleLeave, wtsRemoteLeave, wtsLogoff:
		s.left = true
	case wtsConsoleConnect, wtsRemoteConnect, wtsLogon:
		s.left = false
	}
}

// api are the functions of the system that are needed here.
type api struct{ register, create, proc, get, dispatch, post, quit, notify, forget *windows.LazyProc }

func newAPI() api {
	user, wts := windows.NewLazySystemDLL("user32.dll"), windows.NewLazySystemDLL("wtsapi32.dll")
	return api{
		register: user.NewProc("RegisterClassExW"), create: user.NewProc("CreateWindowExW"),
		proc: user.NewProc("DefWindowProcW"), get: user.NewProc("GetMessageW"), dispatch: user.NewProc("DispatchMessageW"),
		post: user.NewProc("PostMessageW"), quit: user.NewProc("PostQuitMessage"),
		notify: wts.NewProc("WTSRegisterSessionNotification"), forget: wts.NewProc("WTSUnRegisterSessionNotification"),
	}
}

// windowClass is WNDCLASSEXW.
type windowClass struct {
	size, style                        uint32
	proc                               uintptr
	classExtra, windowExtra            int32
	instance, icon, cursor, background uintptr
	menu, name                         *uint16
	smallIcon                          uintptr
}

// message is MSG.
type message struct {
	window         uintptr
	code           uint32
	wparam, lparam uintptr
	time           uint32
	x, y           int32
	private        uint32
}

// runWindow reads the messages of a hidden window until the context ends.
func runWindow(ctx context.Context, r report) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a, s := newAPI(), &session{report: r}
	window, err := a.window(s)
	if err != nil {
		return err
	}
	if ok, _, err := a.notify.Call(window, notifyThisSession); ok == 0 {
		return fmt.Errorf("presence: session notification: %w", err)
	}
	defer a.forget.Call(window)
	stopped := context.AfterFunc(ctx, func() { a.post.Call(window, wmClose, 0, 0) })
	defer stopped()
	r.works(true)
	r.looked()
	for {
		var m message
		got, _, err := a.get.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0)
		switch int32(got) {
		case -1:
			return fmt.Errorf("presence: window message: %w", err)
		case 0:
			return ctx.Err()
		}
		a.dispatch.Call(uintptr(unsafe.Pointer(&m)))
	}
}

// window makes the hidden window.
func (a api) window(s *session) (uintptr, error) {
	name, err := windows.UTF16PtrFromString(fmt.Sprintf("AssistPresence%p", s))
	if err != nil {
		return 0, err
	}
	class := windowClass{name: name, proc: windows.NewCallback(func(window uintptr, code uint32, wparam, lparam uintptr) uintptr {
		switch {
		case code == wmQueryEndSession:
			return 1 // the end itself is told by wmEndSession
		case code == wmDestroy:
			a.quit.Call(0)
			return 0
		case s.hear(code, wparam):
			return 1
		}
		result, _, _ := a.proc.Call(window, uintptr(code), wparam, lparam)
		return result
	})}
	class.size = uint32(unsafe.Sizeof(class))
	if ok, _, err := a.register.Call(uintptr(unsafe.Pointer(&class))); ok == 0 && !errors.Is(err, classAlreadyExists) {
		return 0, fmt.Errorf("presence: window class: %w", err)
	}
	window, _, err := a.create.Call(hiddenToolWindow, uintptr(unsafe.Pointer(name)), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if window == 0 {
		return 0, fmt.Errorf("presence: hidden window: %w", err)
	}
	return window, nil
}
