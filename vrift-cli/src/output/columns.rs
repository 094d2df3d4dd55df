//! Names side by side, as `ls` sets them on a terminal: sorted downwards, in as many columns as fit.

use std::io::{self, Write};

/// Between two columns.
const GAP: usize = 2;

/// Writes `cells` (the text, and how wide it is on the screen); one a line if there is no `width`.
pub fn write(
    out: &mut impl Write,
    cells: &[(String, usize)],
    width: Option<usize>,
) -> io::Result<()> {
    let Some(layout) = width.and_then(|width| fit(cells, width)) else {
        return cells.iter().try_for_each(|(text, _)| writeln!(out, "{text}"));
    };
    for row in 0..layout.rows {
        let mut line = (row..cells.len()).step_by(layout.rows).zip(&layout.widths).peekable();
        while let Some((cell, column)) = line.next() {
            let (text, wide) = &cells[cell];
            let padding = if line.peek().is_some() { column + GAP - wide } else { 0 };
            write!(out, "{text}{:padding$}", "")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

struct Layout {
    rows: usize,
    widths: Vec<usize>,
}

/// The layout with the fewest rows that is not wider than `width`.
fn fit(cells: &[(String, usize)], width: usize) -> Option<Layout> {
    if cells.is_empty() {
        return None;
    }
    // No more columns than fit if all but one are a letter wide; the search is bounded by that, not by the names.
    let most = (width / (GAP + 1)).clamp(1, cells.len());
    (1..=most).rev().find_map(|columns| {
        let rows = cells.len().div_ceil(columns);
        let widths: Vec<usize> = cells
            .chunks(rows)
            .map(|column| column.iter().map(|(_, wide)| *wide).max().unwrap_or(0))
            .collect();
        let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
        (total <= width && columns > 1).then_some(Layout { rows, widths })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str], width: Option<usize>) -> String {
        let cells: Vec<_> = names.iter().map(|name| (name.to_string(), name.len())).collect();
        let mut out = Vec::new();
        write(&mut out, &cells, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_stand_in_columns_sorted_downwards() {
        let names = ["a", "bb", "c", "dddd", "e"];
        assert_eq!(set(&names, Some(10)), "a   dddd\nbb  e\nc\n");
        assert_eq!(set(&names, Some(80)), "a  bb  c  dddd  e\n");
    }

    #[test]
    fn without_room_or_terminal_each_name_has_its_line() {
        assert_eq!(set(&["long-name", "b"], Some(5)), "long-name\nb\n");
        assert_eq!(set(&["a", "b"], None), "a\nb\n");
        assert_eq!(set(&[], Some(80)), "");
        assert_eq!(set(&["a"], Some(0)), "a\n");
    }
}
