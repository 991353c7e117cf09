//! Bars drawn by the server: an SVG without style attributes and scripts, and the same numbers as a
//! table for whoever cannot see it.

use crate::http::pages::views::When;

/// The height of the drawing, in its own units.
const HEIGHT: i64 = 100;
/// The width of a bar with the gap behind it.
const STEP: i64 = 20;
/// The width of a bar, without the gap.
const BAR: i64 = 16;

/// Bars of one or two parts, the second on top of the first.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Used as part of ids: letters and hyphens.
    pub id: &'static str,
    /// What is counted.
    pub title: &'static str,
    /// The same in a sentence, with the highest and the newest number.
    pub text: String,
    /// What the parts are called, the lower one first.
    pub parts: Vec<&'static str>,
    pub bars: Vec<Bar>,
    /// The number that the full height stands for.
    pub top: i64,
    /// The height of the drawing, in its own units.
    pub height: i64,
    /// The width of a bar, without the gap.
    pub bar_width: i64,
}

/// One bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Where it begins in time.
    pub from: When,
    /// One number for each part.
    pub values: Vec<i64>,
}

/// A part of a bar as it is drawn.
pub(super) struct Part {
    pub x: i64,
    pub y: i64,
    pub height: i64,
    pub class: &'static str,
}

impl Chart {
    /// Draws these bars.
    #[must_use]
    pub fn new(
        (id, title): (&'static str, &'static str),
        parts: &[&'static str],
        bars: Vec<Bar>,
    ) -> Self {
        let sums = || bars.iter().map(Bar::sum);
        let (top, all) = (sums().max().unwrap_or_default(), sums().sum::<i64>());
        let newest = sums().next_back().unwrap_or_default();
        let text = format!("{all} in all, {top} at most in one bar, {newest} in the newest.");
        Self {
            id,
            title,
            text,
            parts: parts.to_vec(),
            bars,
            top: top.max(1),
            height: HEIGHT,
            bar_width: BAR,
        }
    }

    pub(super) fn width(&self) -> i64 {
        i64::try_from(self.bars.len()).unwrap_or_default() * STEP
    }

    /// Every part of every bar that can be seen.
    pub(super) fn drawn(&self) -> Vec<Part> {
        let mut drawn = Vec::new();
        for (x, bar) in (0..).map(|n: i64| n * STEP).zip(&self.bars) {
            let mut floor = HEIGHT;
            for (value, class) in bar.values.iter().zip(["lower", "upper"]) {
                if *value > 0 {
                    // What is there can be seen, however little it is.
                    let height = (value.saturating_mul(HEIGHT) / self.top).clamp(1, floor.max(1));
                    floor -= height;
                    drawn.push(Part { x, y: floor, height, class });
                }
            }
        }
        drawn
    }

    pub(super) fn sample() -> Self {
        let bar = |n: i64| Bar { from: When::sample(n * 3_600), values: vec![n % 7, n % 3] };
        let bars = (0..24).map(bar).collect();
        Self::new(("sign-ins", "Sign-ins"), &["Signed in", "Failed"], bars)
    }
}

impl Bar {
    fn sum(&self) -> i64 {
        self.values.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_the_floor_on_top_of_each_other_and_never_reach_out() {
        let bar = |values: &[i64]| Bar { from: When::sample(0), values: values.to_vec() };
        let bars = vec![bar(&[0, 0]), bar(&[1, 0]), bar(&[600, 400]), bar(&[0, 1_000])];
        let chart = Chart::new(("x", "X"), &["a", "b"], bars);
        assert_eq!((chart.top, chart.width()), (1_000, 80));
        let drawn: Vec<_> = chart.drawn().iter().map(|p| (p.x, p.y, p.height, p.class)).collect();
        assert_eq!(
            drawn,
            [
                (20, 99, 1, "lower"),
                (40, 40, 60, "lower"),
                (40, 0, 40, "upper"),
                (60, 0, 100, "upper")
            ]
        );
        assert_eq!(chart.text, "2001 in all, 1000 at most in one bar, 1000 in the newest.");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let chart = Chart::new(("x", "X"), &["a"], Vec::new());
        assert!(chart.drawn().is_empty() && chart.top == 1);
    }
}
