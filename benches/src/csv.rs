//! Every single measurement, as a table that other programs read.

use crate::table::Table;

/// One field: in quotes where it needs them.
fn field(text: &str) -> String {
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// All measurements of all tables, one a line.
pub fn raw(tables: &[Table]) -> String {
    let mut text = "section,case,side,round,value,unit\n".to_owned();
    for table in tables {
        for row in &table.rows {
            for (side, series) in table.sides.iter().zip(&row.series) {
                for (round, value) in series.iter().flat_map(|one| one.values.iter().enumerate()) {
                    let unit = row.unit.raw();
                    let (case, side) = (field(&row.case), field(side));
                    text += &format!("{},{case},{side},{round},{value:.3},{unit}\n", table.name);
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Series;
    use crate::table::{Row, Unit};

    #[test]
    fn a_field_with_a_comma_or_a_quote_stays_one_field() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a, \"b\""), "\"a, \"\"b\"\"\"");
    }

    #[test]
    fn every_measurement_of_every_side_has_a_line() {
        let values = |values: &[f64]| Some(Series { values: values.to_vec(), failed: None });
        let series = vec![values(&[1.0, 2.0]), None, values(&[0.5])];
        let row = Row { series, ..Row::new("a, b", "", Unit::Time) };
        let table =
            Table { rows: vec![row], ..Table::new("some", "", &["native", "again", "ours"]) };
        let expected = "section,case,side,round,value,unit\n\
            some,\"a, b\",native,0,1.000,ns\n\
            some,\"a, b\",native,1,2.000,ns\n\
            some,\"a, b\",ours,0,0.500,ns\n";
        assert_eq!(raw(&[table]), expected);
    }
}
