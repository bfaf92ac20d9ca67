// SPDX-License-Identifier: Apache-2.0

package input

// Keys of the USB HID keyboard page (0x07), by blocks, as evdev codes: the number
// by which Linux knows the physical key. 0 is a key that does not exist there, or
// that nobody may press from afar (power).

// firstUsage and lastUsage bound the usages that package wire lets through.
const (
	firstUsage = 0x04
	lastUsage  = 0xe7
)

// evdevMain is usages 0x04 to 0x65: the main block, the F keys to F12, navigation
// and the keypad.
func evdevMain() [0x62]uint8 {
	return [...]uint8{
		30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, // A to L
		50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44, // M to Z
		2, 3, 4, 5, 6, 7, 8, 9, 10, 11, // 1 to 0
		28, 1, 14, 15, 57, // Enter, Escape, Backspace, Tab, Space
		12, 13, 26, 27, 43, 43, // - = [ ] \ and the non-US #
		39, 40, 41, 51, 52, 53, 58, // ; ' ` , . / and Caps Lock
		59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88, // F1 to F12
		99, 70, 119, // Print, Scroll Lock, Pause
		110, 102, 104, 111, 107, 109, // Insert, Home, Page Up, Delete, End, Page Down
		106, 105, 108, 103, // Right, Left, Down, Up
		69, 98, 55, 74, 78, 96, // Num Lock, keypad / * - + Enter
		79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, // keypad 1 to 9, 0, .
		86, 127, // the non-US \ and Menu
	}
}

// evdevMore is usages 0x67 to 0x94: keypad =, F13 to F24, editing, sound,
// international keys.
func evdevMore() [0x2e]uint8 {
	return [...]uint8{
		117,                                                        // keypad =
		183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, // F13 to F24
		134, 138, 130, 132, 128, 129, 131, 137, 133, 135, 136, // Execute, Help, Menu, Select, Stop, Again, Undo, Cut, Copy, Paste, Find
		113, 115, 114, 0, 0, 0, // Mute, Volume Up, Volume Down; locking keys
		121, 0, // keypad comma, keypad = of the AS/400
		89, 93, 124, 92, 94, 95, 0, 0, 0, // International1 (Ro), 2 (Kana), 3 (Yen), 4 (Henkan), 5 (Muhenkan), 6 to 9
		122, 123, 90, 91, 85, // Lang1 (Hangul), 2 (Hanja), 3 (Katakana), 4 (Hiragana), 5 (Zenkaku)
	}
}

// evdevModifiers is usages 0xe0 to 0xe7: Control, Shift, Alt, Super; left, then right.
func evdevModifiers() [8]uint8 { return [...]uint8{29, 42, 56, 125, 97, 54, 100, 126} }

// evdevTable maps a HID usage to its evdev code.
func evdevTable() [lastUsage + 1]uint8 {
	var t [lastUsage + 1]uint8
	main, more, modifiers := evdevMain(), evdevMore(), evdevModifiers()
	copy(t[firstUsage:], main[:])
	copy(t[0x67:], more[:])
	t[0x9c] = 111 // Clear
	t[0xb6] = 179 // keypad (
	t[0xb7] = 180 // keypad )
	copy(t[0xe0:], modifiers[:])
	return t
}
