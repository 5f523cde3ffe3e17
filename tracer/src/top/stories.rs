//! What happened to each process, and to its children: the last of it, in bounded memory.

use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use super::state::Key;
use crate::lifecycle::{
    event::{Event, What, Who},
    filter::Filter,
};

/// Events kept of a process, and as many of its children.
const EVENTS: usize = 32;
/// Processes that are gone are remembered until so many more are; so are those of whom only their children
/// tell, as of the parents that a filter leaves out: nothing says when they are gone.
const GONE: usize = 4096;

/// What is remembered of one process.
#[derive(Default)]
struct Story {
    /// Which life of its pid; none as long as only its children tell of it, who do not know.
    start: Option<u64>,
    who: Option<Who>,
    /// What was last said of it as a zombie.
    unreaped: Option<Rc<Event>>,
    own: VecDeque<Rc<Event>>,
    children: VecDeque<Rc<Event>>,
}

impl Story {
    fn add(to: &mut VecDeque<Rc<Event>>, event: &Rc<Event>) {
        if to.len() == EVENTS {
            to.pop_front();
        }
        to.push_back(Rc::clone(event));
    }
}

/// The stories by pid, each of the last life that had it.
#[derive(Default)]
pub(super) struct Stories {
    known: HashMap<u32, Story>,
    /// Those that are gone, the first first.
    gone: VecDeque<Key>,
    /// The pids of those of whom only their children have told, the first first.
    strangers: VecDeque<u32>,
    /// Which types of events a story has.
    filter: Filter,
}

impl Stories {
    pub(super) fn new(types: &[String]) -> Self {
        let filter = Filter { types: types.to_owned(), ..Filter::default() };
        Self { filter, ..Self::default() }
    }

    pub(super) fn add(&mut self, event: Event) {
        let Some(who) = event.who else { return };
        let event = Rc::new(event);
        let story = self.known.entry(who.pid).or_default();
        // A birth ends what was told of a stranger.
        let is_birth = matches!(event.what, What::Fork { .. });
        if story.start.map_or(is_birth, |start| start != who.start) {
            *story = Story::default();
        }
        (story.start, story.who) = (Some(who.start), Some(who));
        if matches!(event.what, What::Unreaped { .. }) {
            story.unreaped = Some(Rc::clone(&event));
        }
        let is_shown = self.filter.shows(&event);
        if is_shown {
            Story::add(&mut story.own, &event);
        }
        if is_shown && let Some(parent) = who.ppid {
            Story::add(&mut self.parent(parent).children, &event);
        }
        if matches!(event.what, What::Reap(_)) {
            self.gone.push_back(Key::of(who));
            self.forget();
        }
    }

    /// The story of a parent, which may have had no event of its own.
    fn parent(&mut self, pid: u32) -> &mut Story {
        if !self.known.contains_key(&pid) {
            self.strangers.push_back(pid);
            if self.strangers.len() > GONE
                && let Some(first) = self.strangers.pop_front()
            {
                self.drop_of(first, None);
            }
        }
        self.known.entry(pid).or_default()
    }

    fn forget(&mut self) {
        if self.gone.len() > GONE
            && let Some(key) = self.gone.pop_front()
        {
            self.drop_of(key.pid, Some(key.start));
        }
    }

    fn drop_of(&mut self, pid: u32, start: Option<u64>) {
        if self.known.get(&pid).is_some_and(|story| story.start == start) {
            self.known.remove(&pid);
        }
    }

    fn story(&self, key: Key) -> Option<&Story> {
        let is_of = |story: &&Story| story.start.is_none_or(|start| start == key.start);
        self.known.get(&key.pid).filter(is_of)
    }

    /// The last one that had this pid, be it gone.
    pub(super) fn last(&self, pid: u32) -> Option<Who> {
        self.known.get(&pid)?.who
    }

    /// What is remembered of one until then, oldest first.
    pub(super) fn of(&self, key: Key, until: u64) -> Vec<Rc<Event>> {
        let Some(story) = self.story(key) else { return Vec::new() };
        let mut events: Vec<_> = story.own.iter().chain(&story.children).cloned().collect();
        events.retain(|event| event.at <= until);
        events.sort_by_key(|event| event.at);
        events
    }

    /// What was last said of it as a zombie, until then.
    pub(super) fn unreaped(&self, key: Key, until: u64) -> Option<&Event> {
        self.story(key)?.unreaped.as_deref().filter(|event| event.at <= until)
    }

    /// As it was last called.
    pub(super) fn who(&self, key: Key) -> Option<Who> {
        self.story(key)?.who
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lifecycle::event::Reap, observation::Home};

    fn event(at: u64, pid: u32, ppid: u32, what: What) -> Event {
        Event {
            at,
            who: Some(Who { pid, start: u64::from(pid), ppid: Some(ppid), comm: None }),
            what,
        }
    }

    fn key(pid: u32) -> Key {
        Key { pid, start: u64::from(pid) }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut stories = Stories::default();
        let alive = What::Existing { zombie_at_least: None };
        stories.add(event(1, 1, 0, alive.clone()));
        for pid in 2..2 * GONE as u32 {
            for at in 0..2 * EVENTS as u64 {
                stories.add(event(at, pid, 1, What::LeaderExit { threads: 1 }));
            }
            stories.add(event(100, pid, 1, What::Reap(Reap::of_a_stranger())));
        }
        assert_eq!(stories.known.len(), GONE + 2, "the gone, the one that is not, and its parent");
        assert_eq!(stories.of(key(1), u64::MAX).len(), 1 + EVENTS, "its own is not washed away");
        assert_eq!(stories.of(key(2), u64::MAX).len(), 0);
        let last = stories.of(key(2 * GONE as u32 - 1), u64::MAX);
        assert_eq!((last.len(), last.last().map(|event| event.at)), (EVENTS, Some(100)));
    }

    #[test]
    fn a_parent_of_whom_only_children_tell_has_a_story_too_in_bounded_memory() {
        let mut stories = Stories::default();
        stories.add(event(1, 7, 1, What::LeaderExit { threads: 1 }));
        // Of whichever life: its children know no more than the pid.
        assert_eq!(stories.of(Key { pid: 1, start: 5 }, 9).len(), 1);
        assert!(stories.last(1).is_none(), "how it is called nobody has said");
        // It matches now, and goes on to be who it was, until the pid is another's.
        stories.add(event(2, 1, 0, What::LeaderExit { threads: 1 }));
        assert_eq!((stories.of(key(1), 9).len(), stories.last(1).map(Key::of)), (2, Some(key(1))));
        assert!(stories.of(Key { pid: 1, start: 5 }, 9).is_empty());
        let born = What::Fork { forker: 1, home: Home::default() };
        stories.add(event(3, 0, 2, born));
        assert_eq!(stories.of(key(0), 9).len(), 1, "not the child of who had the pid before");
        for pid in 10..10 + 2 * GONE as u32 {
            stories.add(event(4, 5, pid, What::LeaderExit { threads: 1 }));
        }
        assert_eq!(stories.known.len(), GONE + 4, "strangers, and 0, 1, 5 and 7");
    }

    #[test]
    fn a_story_of_some_types_has_no_others_and_knows_the_rest() {
        let mut stories = Stories::new(&["reap".to_owned()]);
        let unreaped = What::Unreaped {
            zombie: 1,
            parent: None,
            why: Vec::new(),
            waits: Box::default(),
            place: None,
            remedy: String::new(),
        };
        stories.add(event(1, 1, 0, What::Existing { zombie_at_least: None }));
        let reap = What::Reap(Reap::of_a_stranger());
        for (at, what) in [(2, What::LeaderExit { threads: 1 }), (3, unreaped), (4, reap)] {
            stories.add(event(at, 7, 1, what));
        }
        let told = |pid| stories.of(key(pid), 9).iter().map(|event| event.at).collect::<Vec<_>>();
        assert_eq!((told(1), told(7)), (vec![4], vec![4]));
        assert_eq!(stories.unreaped(key(7), 9).map(|event| event.at), Some(3));
        assert!(stories.unreaped(key(7), 2).is_none());
        assert_eq!(stories.who(key(1)).map(|who| who.pid), Some(1));
    }

    #[test]
    fn another_life_with_a_pid_has_a_story_of_its_own() {
        let mut stories = Stories::default();
        stories.add(event(1, 7, 0, What::Reap(Reap::of_a_stranger())));
        let mut second = event(2, 7, 0, What::LeaderExit { threads: 1 });
        second.who = second.who.map(|who| Who { start: 9, ..who });
        stories.add(second);
        assert!(stories.of(key(7), u64::MAX).is_empty());
        assert_eq!(stories.of(Key { pid: 7, start: 9 }, u64::MAX).len(), 1);
    }
}
