//! The cells of the screen, and what things look like in colours and without.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Text},
    widgets::{Paragraph, Widget as _, Wrap},
};

use crate::{
    sink::Tone,
    top::{keys::Action, mouse::Spot},
};

/// With colours or without.
#[derive(Clone, Copy)]
pub(crate) struct Ink {
    pub(crate) color: bool,
}

/// What something is for the eye.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Quiet,
    Strong,
    Title,
    /// The column that rows are sorted by.
    Sorted,
    Chosen,
    Good,
    Warning,
    Bad,
    /// Something is wrong with what is shown.
    Alarm,
}

impl From<Tone> for Look {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Plain => Self::Plain,
            Tone::Quiet => Self::Quiet,
            Tone::Good => Self::Good,
            Tone::Dead => Self::Warning,
            Tone::Bad => Self::Bad,
        }
    }
}

impl Ink {
    fn style(self, look: Look) -> Style {
        let plain = Style::new();
        let colored = |color| if self.color { plain.fg(color) } else { plain };
        match look {
            Look::Plain => plain,
            Look::Quiet => plain.add_modifier(Modifier::DIM),
            Look::Strong => plain.add_modifier(Modifier::BOLD),
            Look::Title => plain.add_modifier(Modifier::UNDERLINED),
            Look::Sorted => plain.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            Look::Chosen => plain.add_modifier(Modifier::REVERSED),
            Look::Good => colored(Color::Green),
            Look::Warning => colored(Color::Yellow),
            Look::Bad => colored(Color::Red).add_modifier(Modifier::BOLD),
            Look::Alarm => colored(Color::Red).add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }
}

/// The screen, or what is drawn of it.
pub(super) struct Canvas<'a> {
    to: &'a mut Buffer,
    ink: Ink,
    pub(super) width: u16,
    pub(super) height: u16,
    /// What a click does.
    pub(super) spots: Vec<Spot>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(to: &'a mut Buffer, ink: Ink) -> Self {
        let Rect { width, height, .. } = to.area;
        Self { to, ink, width, height, spots: Vec::new() }
    }

    /// As much as there is room for.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, look: Look) {
        if y < self.height && x < self.width {
            self.to.set_stringn(x, y, text, usize::from(width), self.ink.style(look));
        }
    }

    pub(super) fn right(&mut self, x: u16, y: u16, width: u16, text: &str, look: Look) {
        let length = Line::raw(text).width().min(usize::from(width)) as u16;
        self.text(x + width - length, y, length, text, look);
    }

    /// What a click on this part of a row does.
    pub(super) fn click(&mut self, x: u16, y: u16, width: u16, click: Action) {
        let area = Rect::new(x, y, width, 1).intersection(self.to.area);
        if !area.is_empty() {
            self.spots.push(Spot { area, click });
        }
    }

    /// A whole row in the same look, over what is in it.
    pub(super) fn highlight(&mut self, y: u16, look: Look) {
        self.to.set_style(Rect::new(0, y, self.width, 1), self.ink.style(look));
    }

    /// What has to be seen.
    pub(super) fn bar(&mut self, y: u16, text: &str) {
        self.text(0, y, self.width, text, Look::Alarm);
        self.highlight(y, Look::Alarm);
    }

    pub(super) fn rule(&mut self, y: u16) {
        let width = usize::from(self.width);
        self.text(0, y, self.width, &"─".repeat(width), Look::Quiet);
    }

    /// Paragraphs, broken between words, as far as the rows go.
    pub(super) fn wrapped(&mut self, y: u16, rows: u16, paragraphs: &[(String, Look)]) {
        let lines = paragraphs.iter();
        let lines = lines.map(|(text, look)| Line::styled(text.as_str(), self.ink.style(*look)));
        let text = Paragraph::new(lines.collect::<Text<'_>>()).wrap(Wrap { trim: true });
        let area = Rect::new(0, y, self.width, rows).intersection(self.to.area);
        text.clone().render(area, self.to);
        // Whether there is a row more, only who draws it knows.
        let mut whole = Buffer::empty(Rect::new(0, 0, self.width, area.height + 1));
        text.render(whole.area, &mut whole);
        let rest = whole.content().iter().skip(usize::from(self.width) * usize::from(area.height));
        if area.height > 0 && rest.into_iter().any(|cell| cell.symbol() != " ") {
            self.text(self.width - 1, area.bottom() - 1, 1, "…", Look::Strong);
        }
    }
}
