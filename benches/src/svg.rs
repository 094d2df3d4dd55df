//! Plots: bars of ratios with the spread from a quarter to three quarters, a line at 1, and a mark at each goal.

use crate::statistics::Summary;
use crate::table::{Goal, Table};

const WIDTH: f64 = 920.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 800.0;
const BAR: f64 = 13.0;
const GAP: f64 = 7.0;
/// Of the sides, in their order.
const COLOURS: [&str; 9] = [
    "#57606a", "#8b949e", "#1f6feb", "#d29922", "#8957e5", "#3fb950", "#db61a2", "#39c5cf",
    "#bc4c00",
];

/// One case: a bar for each side that has it.
#[derive(Debug, Clone)]
pub struct Group {
    /// What is written beside it.
    pub label: String,
    /// Where the mark is.
    pub goal: Option<f64>,
    /// The side's number, and what it gave.
    pub bars: Vec<(usize, Summary)>,
}

/// The bars of some sides of a table.
pub fn groups(table: &Table, sides: &[usize]) -> Vec<Group> {
    let group = |row: &crate::table::Row| Group {
        label: row.case.clone(),
        goal: match row.goal {
            Goal::Ratio(most) => Some(most),
            _ => None,
        },
        bars: sides.iter().filter_map(|&side| Some((side, row.ratio(side)?))).collect(),
    };
    table.rows.iter().map(group).filter(|group| !group.bars.is_empty()).collect()
}

/// The whole picture. `names`: of all sides, by their numbers.
pub fn plot(title: &str, names: &[String], groups: &[Group]) -> String {
    let axis = Axis::over(groups);
    let top = 62.0;
    let height = |group: &Group| group.bars.len() as f64 * BAR + GAP;
    let bottom = top + groups.iter().map(height).sum::<f64>();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {0}\" width=\"{WIDTH}\" height=\"{0}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        bottom + 30.0
    );
    text += &words(10.0, 20.0, "start", "14", title);
    text += &legend(names, groups);
    for tick in axis.ticks() {
        let x = axis.x(tick);
        text += &rule(x, top - 4.0, bottom, if tick == 1.0 { "#444" } else { "#ddd" });
        text += &words(x, bottom + 14.0, "middle", "11", &short(tick));
    }
    let mut y = top;
    for group in groups {
        let end = y + height(group) - GAP;
        text += &words(LEFT - 8.0, (y + end) / 2.0 + 4.0, "end", "11", &group.label);
        for (number, (side, all)) in group.bars.iter().enumerate() {
            text += &bar(&axis, y + number as f64 * BAR, *side, all);
        }
        if let Some(goal) = group.goal {
            let x = axis.x(goal);
            text += &format!(
                "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#cf222e\" stroke-width=\"2.5\"/>\n",
                y - 3.0,
                end + 3.0
            );
        }
        y = end + GAP;
    }
    text + "</svg>\n"
}

fn bar(axis: &Axis, y: f64, side: usize, all: &Summary) -> String {
    let (end, low, high) = (axis.x(all.median), axis.x(all.quarter), axis.x(all.three));
    let middle = y + BAR / 2.0;
    let mut text = format!(
        "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n",
        y + 1.0,
        (end - LEFT).max(1.0),
        BAR - 2.0,
        COLOURS[side % COLOURS.len()]
    );
    text += &format!(
        "<line x1=\"{low:.1}\" y1=\"{middle:.1}\" x2=\"{high:.1}\" y2=\"{middle:.1}\" stroke=\"black\"/>\n"
    );
    text + &words(RIGHT + 8.0, middle + 4.0, "start", "11", &short(all.median))
}

fn legend(names: &[String], groups: &[Group]) -> String {
    let (mut text, mut x) = (String::new(), 10.0);
    let shown = |side: usize| groups.iter().any(|group| group.bars.iter().any(|bar| bar.0 == side));
    for (side, name) in names.iter().enumerate().filter(|(side, _)| shown(*side)) {
        let colour = COLOURS[side % COLOURS.len()];
        text += &format!(
            "<rect x=\"{x:.1}\" y=\"32\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\n"
        );
        text += &words(x + 14.0, 41.0, "start", "11", name);
        x += 28.0 + name.len() as f64 * 6.2;
    }
    if groups.iter().any(|group| group.goal.is_some()) {
        text +=
            &format!("<rect x=\"{x:.1}\" y=\"31\" width=\"3\" height=\"12\" fill=\"#cf222e\"/>\n");
        text += &words(x + 7.0, 41.0, "start", "11", "goal: at most");
    }
    text
}

fn words(x: f64, y: f64, anchor: &str, size: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>\n"
    )
}

fn rule(x: f64, top: f64, bottom: f64, colour: &str) -> String {
    format!(
        "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\"/>\n"
    )
}

/// A ratio with as many digits as it needs.
fn short(value: f64) -> String {
    match value {
        small if small < 0.1 => format!("{small:.3}"),
        middle if middle < 10.0 => format!("{middle:.2}"),
        large => format!("{large:.0}"),
    }
}

/// Where a ratio is: by its logarithm, since half as much and twice as much are equally far from 1.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn over(groups: &[Group]) -> Axis {
        let all = groups.iter().flat_map(|group| {
            group.bars.iter().flat_map(|bar| [bar.1.quarter, bar.1.three]).chain(group.goal)
        });
        let all = all.filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) =
            all.fold((1.0_f64, 1.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        Axis { low: low / 1.3, high: high * 1.1 }
    }

    fn x(&self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        // What is not a number is at the edge: `clamp` leaves it.
        LEFT + (RIGHT - LEFT) * if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Round numbers in it: 1, 2 and 5 of each power of ten, or only 1 where those are many.
    fn ticks(&self) -> Vec<f64> {
        let many = self.high / self.low > 1e3;
        let steps: &[i32] = if many { &[1] } else { &[1, 2, 5] };
        let all = (-6..=6).flat_map(|power: i32| {
            // Divided rather than multiplied by a part, so that 1 is 1.
            let scale = 10_f64.powi(power.abs());
            steps.iter().map(move |&step| {
                if power < 0 { f64::from(step) / scale } else { f64::from(step) * scale }
            })
        });
        all.filter(|value| (self.low..=self.high).contains(value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: f64) -> Summary {
        Summary { least: value, quarter: value, median: value, three: value, most: value }
    }

    fn some() -> Vec<Group> {
        let group = |label: &str, goal, values: &[f64]| Group {
            label: label.to_owned(),
            goal,
            bars: values.iter().enumerate().map(|(side, &value)| (side, one(value))).collect(),
        };
        vec![
            group("a < b & c", Some(0.1), &[0.09, 1.0]),
            group("large", None, &[250.0]),
            group("odd", None, &[f64::NAN, f64::INFINITY]),
        ]
    }

    /// Every tag that is opened is closed in its place, and no bare sign is left in a text.
    fn well_formed(text: &str) -> bool {
        let mut open = Vec::new();
        for part in text.split('<').skip(1) {
            let Some((tag, behind)) = part.split_once('>') else { return false };
            let bare = behind.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
            if bare.contains(['&', '>']) || tag.matches('"').count() % 2 != 0 {
                return false;
            }
            let name = tag.split([' ', '/']).next().unwrap_or("");
            match tag.strip_prefix('/') {
                Some(name) if open.pop() != Some(name) => return false,
                Some(_) => {}
                None if tag.ends_with('/') => {}
                None => open.push(name),
            }
        }
        open.is_empty()
    }

    #[test]
    fn the_check_of_the_form_finds_what_is_wrong() {
        assert!(well_formed("<svg a=\"1\"><text>x &lt; y</text><rect/></svg>"));
        for wrong in ["<svg>", "<svg><text></svg></text>", "<text>a & b</text>", "<a b=\"></a>"] {
            assert!(!well_formed(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_plot_is_well_formed_whatever_it_is_told() {
        let names = ["ours".to_owned(), "an & other".to_owned()];
        let text = plot("Some <title>", &names, &some());
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        assert!(well_formed(&text), "{text}");
        assert!(!text.contains("NaN\"") && !text.contains("inf\""), "{text}");
        assert!(well_formed(&plot("", &names, &[])));
    }

    #[test]
    fn a_plot_has_a_bar_for_each_value_and_a_mark_for_each_goal() {
        let text = plot("x", &["ours".to_owned(), "other".to_owned()], &some());
        let bars = text.matches(&format!("<rect x=\"{LEFT}\"")).count();
        assert_eq!(bars, 5);
        assert_eq!(text.matches("stroke=\"#cf222e\"").count(), 1);
    }

    #[test]
    fn half_and_twice_are_equally_far_from_one() {
        let axis = Axis { low: 0.1, high: 10.0 };
        let [half, one, twice] = [0.5, 1.0, 2.0].map(|value| axis.x(value));
        assert!(((one - half) - (twice - one)).abs() < 1e-9);
        assert!(axis.ticks().contains(&1.0));
    }
}
