//! What each key means.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    state::Key,
    views::{Sort, View},
};

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Suspend,
    Redraw,
    Help,
    Pause,
    Sort,
    SortBy(Sort),
    Reverse,
    Mouse,
    Filter,
    See(View),
    NextView,
    PreviousView,
    Go(Go),
    Choose(Key),
    /// Opens a story, or ends typing.
    Enter,
    Back,
    Faster,
    Slower,
    Step,
    Type(char),
    Erase,
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    Up,
    Down,
    PageUp,
    PageDown,
    WheelUp,
    WheelDown,
    Home,
    End,
}

/// The keys, for the help.
pub(super) const HELP: [(&str, &str); 13] = [
    ("1 2 3 4, Tab", "parents, tree, zombies, adopters"),
    ("↑ ↓ PgUp PgDn Home End", "choose a row; it stays chosen wherever it moves"),
    ("Enter", "the story of the process that is chosen"),
    ("Esc", "back from a story or this page; no filter"),
    ("s, r", "sort by the next column; the other way round"),
    ("/", "only this name, in part, or this pid, be it gone (Enter)"),
    ("p, Space", "pause: the picture stays, what happens is followed"),
    ("+ -", "tell a recording twice as fast, half as fast"),
    ("n", "go on to the next event of a recording that is paused"),
    ("m", "the mouse chooses rows, views, columns; or selects text"),
    ("Ctrl-L, Ctrl-Z", "draw the screen anew; suspend"),
    ("?", "this page"),
    ("q, Ctrl-C", "quit"),
];

/// What a key means; while something is typed, most mean themselves.
pub(super) fn action(key: KeyEvent, is_typing: bool) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Action::Quit),
            KeyCode::Char('z') => Some(Action::Suspend),
            KeyCode::Char('l') => Some(Action::Redraw),
            _ => None,
        };
    }
    match key.code {
        KeyCode::Char(typed) if is_typing => Some(Action::Type(typed)),
        KeyCode::Backspace if is_typing => Some(Action::Erase),
        KeyCode::Char(key) => plain(key),
        KeyCode::Enter => Some(Action::Enter),
        KeyCode::Esc => Some(Action::Back),
        KeyCode::Tab => Some(Action::NextView),
        KeyCode::BackTab => Some(Action::PreviousView),
        KeyCode::Up => Some(Action::Go(Go::Up)),
        KeyCode::Down => Some(Action::Go(Go::Down)),
        KeyCode::PageUp => Some(Action::Go(Go::PageUp)),
        KeyCode::PageDown => Some(Action::Go(Go::PageDown)),
        KeyCode::Home => Some(Action::Go(Go::Home)),
        KeyCode::End => Some(Action::Go(Go::End)),
        _ => None,
    }
}

fn plain(key: char) -> Option<Action> {
    Some(match key {
        'q' => Action::Quit,
        '?' => Action::Help,
        'p' | ' ' => Action::Pause,
        's' => Action::Sort,
        'r' => Action::Reverse,
        'm' => Action::Mouse,
        '/' => Action::Filter,
        '1' => Action::See(View::Parents),
        '2' => Action::See(View::Tree),
        '3' => Action::See(View::Zombies),
        '4' => Action::See(View::Adopters),
        '+' | '=' => Action::Faster,
        '-' => Action::Slower,
        'n' => Action::Step,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_a_filter_is_typed_letters_are_letters_and_control_is_control() {
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        assert_eq!(action(key(KeyCode::Char('q')), false), Some(Action::Quit));
        assert_eq!(action(key(KeyCode::Char('q')), true), Some(Action::Type('q')));
        assert_eq!(action(key(KeyCode::Backspace), false), None);
        assert_eq!(action(key(KeyCode::Esc), true), Some(Action::Back));
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(action(control, true), Some(Action::Quit));
    }
}
