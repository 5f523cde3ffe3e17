//! What the user has chosen to see, and what is to be seen of it.

use super::{
    keys::{Action, Go},
    mouse::Spot,
    picture::{Ages, Picture, Row, count},
    rates::Rates,
    stories::Stories,
    tree::{Branch, Shows, branches},
    views::{Sort, View},
};
use crate::{
    lifecycle::{
        Model,
        event::{Event, What, Who},
    },
    observation::{Identity, Lost},
    sink::{self, Stamp},
};

/// A process, the same for all its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pid: u32,
    pub(super) start: u64,
}

impl Key {
    pub(super) fn of(who: Who) -> Self {
        Self { pid: who.pid, start: who.start }
    }
}

/// A row that is chosen, and how far the rows are moved up for it.
#[derive(Clone, Copy, Default)]
pub(super) struct Cursor {
    pub(super) at: usize,
    pub(super) first: usize,
    /// Whom it stays with; at the top it stays at the top.
    key: Option<Key>,
}

/// A recording that is told.
#[derive(Clone, Debug)]
pub(super) struct Playing {
    pub(super) speed: f64,
    pub(super) has_ended: bool,
    /// What is wrong with the file, if something is.
    pub(super) damage: Option<String>,
}

/// Rows that a turn of the wheel goes.
const WHEEL: usize = 3;

/// The fastest and the slowest that is of use.
const SPEEDS: [f64; 2] = [1.0 / 64.0, 1_048_576.0];

/// Where what is shown comes from.
pub(super) struct Origin {
    pub(super) host: String,
    pub(super) kernel: String,
    pub(super) tier: String,
    pub(super) filters: Vec<String>,
    pub(super) stamp: Stamp,
    /// Parents of younger zombies only are not shown, ns.
    pub(super) min_zombie: Option<u64>,
    /// The types of events that a story has; none means all.
    pub(super) types: Vec<String>,
}

/// All of it.
pub(super) struct State {
    pub(super) origin: Origin,
    pub(super) view: View,
    pub(super) story: Option<Key>,
    pub(super) has_help: bool,
    sort: Option<Sort>,
    pub(super) is_reversed: bool,
    pub(super) filter: String,
    pub(super) is_typing: bool,
    pub(super) is_paused: bool,
    pub(super) playing: Option<Playing>,
    /// A recording is to go on to its next event.
    pub(super) is_stepping: bool,
    pub(super) has_mouse: bool,
    /// What a click does, as last drawn.
    pub(super) spots: Vec<Spot>,
    pub(super) picture: Picture,
    pub(super) branches: Vec<Branch>,
    /// How long those were zombies that were reaped.
    pub(super) lasted: Ages,
    pub(super) lost: Option<Lost>,
    pub(super) stories: Stories,
    /// Rows that there is room for, as last drawn.
    pub(super) page: usize,
    cursors: [Cursor; View::ALL.len()],
    /// Lines that a story is moved down by, from its end.
    pub(super) back: usize,
    rates: Rates,
    is_stale: bool,
}

impl State {
    pub(super) fn new(origin: Origin, playing: Option<Playing>) -> Self {
        Self {
            stories: Stories::new(&origin.types),
            origin,
            view: View::Parents,
            story: None,
            has_help: false,
            sort: None,
            is_reversed: false,
            filter: String::new(),
            is_typing: false,
            is_paused: playing.as_ref().is_some_and(|playing| playing.speed == 0.0),
            playing: playing.map(|playing| Playing {
                speed: match playing.speed {
                    0.0 => 1.0,
                    speed => speed.clamp(SPEEDS[0], SPEEDS[1]),
                },
                ..playing
            }),
            is_stepping: false,
            has_mouse: false,
            spots: Vec::new(),
            picture: Picture::default(),
            branches: Vec::new(),
            lasted: Ages::default(),
            lost: None,
            page: 1,
            cursors: [Cursor::default(); View::ALL.len()],
            back: 0,
            rates: Rates::default(),
            is_stale: true,
        }
    }

    /// Takes an event.
    pub(super) fn see(&mut self, event: Event) {
        match &event.what {
            What::Reap(reap) => {
                if let Some(zombie) = reap.zombie {
                    count(&mut self.lasted, zombie);
                }
            }
            What::Lost(lost) => self.lost = Some(*lost),
            _ => {}
        }
        self.stories.add(event);
    }

    /// Keeps the counts that rates are made of.
    pub(super) fn sample(&mut self, model: &Model, now: u64) {
        self.rates.sample(model, now);
    }

    /// Takes a new picture, unless this one is to stay.
    pub(super) fn refresh(&mut self, model: &Model, now: u64) {
        let is_live = self.playing.is_none();
        if is_live && self.is_paused && !self.is_stale {
            return;
        }
        // A picture that stays is looked at from all sides.
        let with_forest = self.view == View::Tree || self.is_paused;
        self.picture = Picture::take(model, &self.rates, now, with_forest);
        self.is_stale = false;
        self.arrange();
    }

    /// A recording was told to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.has_ended)
    }

    /// Sorts, and finds the chosen row again.
    fn arrange(&mut self) {
        let (sort, is_reversed) = (self.order(), self.is_reversed);
        self.picture.parents.sort_by(|one, other| {
            let by_value = sort.value(other).total_cmp(&sort.value(one));
            let by_value = if is_reversed { by_value.reverse() } else { by_value };
            let key = |row: &Row| (row.watched.zombies, row.watched.made, row.watched.who.pid);
            by_value.then_with(|| key(other).cmp(&key(one)))
        });
        self.branches = branches(&self.picture.forest, |node| self.matches(node.who));
        let keys = self.keys();
        let cursor = &mut self.cursors[self.view as usize];
        let found = cursor.key.and_then(|key| keys.iter().position(|one| *one == Some(key)));
        cursor.at = found.unwrap_or(cursor.at).min(keys.len().saturating_sub(1));
    }

    /// What was chosen, where there is a column for it.
    pub(super) fn order(&self) -> Sort {
        let by_itself = if self.view == View::Adopters { Sort::Adopted } else { Sort::Zombies };
        self.sort.filter(|sort| self.view.has(*sort)).unwrap_or(by_itself)
    }

    /// As the titles of tables work everywhere: once more is the other way round.
    fn sort_by(&mut self, sort: Sort) {
        if sort == self.order() {
            self.is_reversed = !self.is_reversed;
        } else {
            (self.sort, self.is_reversed) = (Some(sort), false);
        }
    }

    fn matches(&self, who: Who) -> bool {
        let name = || sink::name(who.comm).to_string().to_lowercase();
        self.filter.is_empty()
            || who.pid.to_string() == self.filter
            || name().contains(&self.filter.to_lowercase())
    }

    /// The rows of this view, of those that are about parents.
    pub(super) fn rows(&self) -> Vec<&Row> {
        let least = self.origin.min_zombie.unwrap_or(0);
        let is_here = |row: &&Row| match self.view {
            View::Parents => least == 0 || row.age().is_some_and(|age| age >= least),
            View::Adopters => row.watched.adopter.is_some(),
            View::Tree | View::Zombies => false,
        };
        let rows = self.picture.parents.iter().filter(is_here);
        rows.filter(|row| self.matches(row.watched.who)).collect()
    }

    /// Whom each row of this view is about, if it is about one.
    fn keys(&self) -> Vec<Option<Key>> {
        let of = |branch: &Branch| match branch.shows {
            Shows::Process(node) => Some(Key::of(node.who)),
            Shows::More(_) => None,
        };
        match self.view {
            View::Parents | View::Adopters => {
                self.rows().into_iter().map(|row| Some(row.key())).collect()
            }
            View::Tree => self.branches.iter().map(of).collect(),
            View::Zombies => Vec::new(),
        }
    }

    /// The chosen row, moved into sight of so many.
    pub(super) fn cursor(&mut self, page: usize) -> Cursor {
        self.page = page;
        let cursor = &mut self.cursors[self.view as usize];
        cursor.first = cursor.first.min(cursor.at).max((cursor.at + 1).saturating_sub(page));
        *cursor
    }

    /// Parents that are in sight and have a zombie that stands for long: what they do now is evidence.
    pub(super) fn looked_at(&self) -> impl Iterator<Item = Identity> {
        let first = self.cursors[self.view as usize].first;
        let rows = self.rows().into_iter().skip(first).take(self.page);
        let stands = |row: &&Row| row.age().is_some_and(|age| age >= LONG);
        rows.filter(stands).map(|row| row.id).collect::<Vec<_>>().into_iter()
    }

    /// Does what was asked for, but for what is the terminal's business.
    pub(super) fn apply(&mut self, action: Action) {
        match action {
            Action::Type(typed) => self.filter.push(typed),
            Action::Erase => drop(self.filter.pop()),
            Action::Enter | Action::Back if self.is_typing => {
                self.is_typing = false;
                if action == Action::Back {
                    self.filter.clear();
                }
            }
            Action::Back => self.leave(),
            Action::Enter => self.open(),
            Action::Filter => self.is_typing = true,
            Action::Help => self.has_help = !self.has_help,
            Action::Pause => {
                self.is_paused = !self.is_paused;
                self.is_stale = true;
            }
            Action::Sort => {
                let mut next = self.order().next();
                while !self.view.has(next) {
                    next = next.next();
                }
                self.sort = Some(next);
            }
            Action::SortBy(sort) => self.sort_by(sort),
            Action::Reverse => self.is_reversed = !self.is_reversed,
            Action::See(view) => self.turn(view),
            Action::NextView => self.turn(self.view.by(1)),
            Action::PreviousView => self.turn(self.view.by(View::ALL.len() - 1)),
            Action::Go(go) => self.go(go),
            Action::Choose(key) => self.choose(key),
            Action::Faster => self.speed_by(2.0),
            Action::Slower => self.speed_by(0.5),
            Action::Step => self.is_stepping = self.is_paused,
            Action::Quit | Action::Suspend | Action::Redraw | Action::Mouse => {}
        }
        self.arrange();
        if matches!(action, Action::Type(_) | Action::Erase) {
            self.seek();
        }
    }

    /// Chooses one that matches: in the tree those above it come first.
    fn seek(&mut self) {
        let is_meant = |branch: &Branch| match branch.shows {
            Shows::Process(node) => self.matches(node.who),
            Shows::More(_) => false,
        };
        if self.view == View::Tree
            && let Some(at) = self.branches.iter().position(is_meant)
        {
            self.stand(at, &self.keys());
        }
    }

    fn turn(&mut self, view: View) {
        (self.view, self.story, self.has_help) = (view, None, false);
    }

    fn leave(&mut self) {
        if self.has_help {
            self.has_help = false;
        } else if self.story.take().is_none() {
            self.filter.clear();
        }
    }

    fn open(&mut self) {
        let cursor = self.cursors[self.view as usize];
        let row = self.keys().get(cursor.at).copied();
        if let Some(key) = row.unwrap_or_else(|| self.sought().map(Key::of)) {
            (self.story, self.back) = (Some(key), 0);
        }
    }

    /// Whom the filter names by pid, be it gone: its story can be opened where no row matches.
    pub(super) fn sought(&self) -> Option<Who> {
        self.stories.last(self.filter.parse().ok()?)
    }

    fn speed_by(&mut self, factor: f64) {
        if let Some(playing) = &mut self.playing {
            playing.speed = (playing.speed * factor).clamp(SPEEDS[0], SPEEDS[1]);
        }
    }

    fn go(&mut self, go: Go) {
        let page = self.page.max(1);
        if self.story.is_some() {
            self.back = match go {
                Go::Up => self.back + 1,
                Go::PageUp => self.back + page,
                Go::WheelUp => self.back + WHEEL,
                Go::Home => usize::MAX / 2,
                Go::Down => self.back.saturating_sub(1),
                Go::PageDown => self.back.saturating_sub(page),
                Go::WheelDown => self.back.saturating_sub(WHEEL),
                Go::End => 0,
            };
            return;
        }
        let keys = self.keys();
        let last = keys.len().saturating_sub(1);
        let at = self.cursors[self.view as usize].at;
        let at = match go {
            Go::Up => at.saturating_sub(1),
            Go::PageUp => at.saturating_sub(page),
            Go::WheelUp => at.saturating_sub(WHEEL),
            Go::Home => 0,
            Go::Down => at + 1,
            Go::PageDown => at + page,
            Go::WheelDown => at + WHEEL,
            Go::End => last,
        };
        self.stand(at.min(last), &keys);
    }

    fn choose(&mut self, key: Key) {
        let keys = self.keys();
        if let Some(at) = keys.iter().position(|one| *one == Some(key)) {
            self.stand(at, &keys);
        }
    }

    fn stand(&mut self, at: usize, keys: &[Option<Key>]) {
        let cursor = &mut self.cursors[self.view as usize];
        cursor.at = at;
        cursor.key = keys.get(at).copied().flatten().filter(|_| at > 0);
    }
}

/// A zombie that stands for so long is somebody's fault, ns.
pub(super) const LONG: u64 = 1_000_000_000;
