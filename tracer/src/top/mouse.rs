//! What the mouse means.

use ratatui::{
    crossterm::event::{MouseButton, MouseEvent, MouseEventKind},
    layout::{Position, Rect},
};

use super::keys::{Action, Go};

/// A place on the screen, and what a click on it does.
pub(super) struct Spot {
    pub(super) area: Rect,
    pub(super) click: Action,
}

/// What it means where these are on the screen.
pub(super) fn action(event: MouseEvent, spots: &[Spot]) -> Option<Action> {
    match event.kind {
        MouseEventKind::ScrollUp => Some(Action::Go(Go::WheelUp)),
        MouseEventKind::ScrollDown => Some(Action::Go(Go::WheelDown)),
        MouseEventKind::Down(MouseButton::Left) => {
            let at = Position::new(event.column, event.row);
            spots.iter().find(|spot| spot.area.contains(at)).map(|spot| spot.click)
        }
        _ => None,
    }
}
