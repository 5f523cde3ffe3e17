//! Whatever is told and typed, something is drawn, and nothing that a terminal would obey.

use proptest::{collection::vec, prelude::*, sample::select};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    super::state::Playing,
    Ink,
    canvas::{Canvas, Look},
    paint,
};
use crate::{
    lifecycle::{Model, filter::Filter},
    recording::tests::facts::observations,
    sink::Stamp,
    top::{
        keys::{Action, Go},
        state::{Origin, State},
        views::{Sort, View},
    },
};

fn state() -> State {
    let origin = Origin {
        host: "host\x1b[2J".to_owned(),
        kernel: String::new(),
        tier: String::new(),
        filters: vec!["--comm \x07".to_owned()],
        stamp: Stamp::new(0),
        min_zombie: None,
        types: Vec::new(),
    };
    State::new(origin, Some(Playing { speed: 0.0, has_ended: false, damage: None }))
}

fn wishes() -> impl Strategy<Value = Action> {
    select(vec![
        Action::Help,
        Action::Pause,
        Action::Sort,
        Action::SortBy(Sort::Oldest),
        Action::SortBy(Sort::Made),
        Action::Reverse,
        Action::Filter,
        Action::Type('1'),
        Action::Erase,
        Action::See(View::Parents),
        Action::See(View::Tree),
        Action::See(View::Zombies),
        Action::See(View::Adopters),
        Action::NextView,
        Action::PreviousView,
        Action::Go(Go::Up),
        Action::Go(Go::PageUp),
        Action::Go(Go::WheelUp),
        Action::Go(Go::WheelDown),
        Action::Go(Go::Home),
        Action::Go(Go::Down),
        Action::Go(Go::PageDown),
        Action::Go(Go::End),
        Action::Enter,
        Action::Back,
        Action::Faster,
        Action::Slower,
        Action::Step,
    ])
}

#[test]
fn a_text_of_which_there_is_more_says_so() {
    let last = |text: &str| {
        let mut picture = Buffer::empty(Rect::new(0, 0, 9, 4));
        let mut canvas = Canvas::new(&mut picture, Ink { color: false });
        canvas.wrapped(1, 2, &[(text.to_owned(), Look::Plain)]);
        let row = |y: u16| (0..9).map(|x| picture[(x, y)].symbol()).collect::<String>();
        [row(2), row(3)]
    };
    assert_eq!(last("one two three four"), ["three   …", "         "]);
    assert_eq!(last("one two three"), ["three    ", "         "]);
}

proptest! {
    #[test]
    fn anything_is_drawn_on_any_terminal(
        told in vec(observations(), 0..60),
        typed in vec((wishes(), any::<u64>(), (0..200_u16, 0..60_u16), any::<(bool, usize)>()), 1..30),
    ) {
        let (mut model, mut state) = (Model::new(Filter::default(), None), state());
        for observation in told {
            state.sample(&model, observation.at);
            model.observe(observation);
            model.drain().for_each(|event| state.see(event));
        }
        for (wish, now, (width, height), (color, clicked)) in typed {
            state.apply(wish);
            state.refresh(&model, now);
            let mut picture = Buffer::empty(Rect::new(0, 0, width, height));
            paint(&mut state, Ink { color }, &mut picture);
            let cells = picture.content().iter();
            for symbol in cells.flat_map(|cell| cell.symbol().chars()) {
                prop_assert!(!symbol.is_control());
            }
            let areas = state.spots.iter().map(|spot| spot.area);
            prop_assert!(areas.into_iter().all(|area| area.union(picture.area) == picture.area));
            if let Some(spot) = state.spots.get(clicked % state.spots.len().max(1)) {
                state.apply(spot.click);
            }
        }
    }
}
