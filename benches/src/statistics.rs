//! What many measurements say: the least, quarters, the most.

/// A sorted list of values, looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The least.
    pub least: f64,
    /// A quarter of the values is below.
    pub quarter: f64,
    /// Half of them is.
    pub median: f64,
    /// Three quarters are.
    pub three: f64,
    /// The greatest.
    pub most: f64,
}

/// Looks at values; none if there are none.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    // Between two values where the place is between two, so that two values have a middle.
    let at = |part: f64| {
        let place = part * last as f64;
        let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    Some(Summary {
        least: sorted[0],
        quarter: at(0.25),
        median: at(0.5),
        three: at(0.75),
        most: sorted[last],
    })
}

/// Each value by the one of the same round.
pub fn ratios(values: &[f64], base: &[f64]) -> Vec<f64> {
    values.iter().zip(base).map(|(value, base)| value / base).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_odd_number_of_values_is_one_of_them() {
        let all = summary(&[5.0, 1.0, 3.0, 2.0, 4.0]).unwrap();
        let expected = Summary { least: 1.0, quarter: 2.0, median: 3.0, three: 4.0, most: 5.0 };
        assert_eq!(all, expected);
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let all = summary(&[4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!((all.quarter, all.median, all.three), (1.75, 2.5, 3.25));
    }

    #[test]
    fn one_value_is_all_of_them_and_none_is_nothing() {
        let one = summary(&[7.0]).unwrap();
        assert_eq!((one.least, one.median, one.most), (7.0, 7.0, 7.0));
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn a_ratio_is_made_within_a_round() {
        assert_eq!(ratios(&[2.0, 9.0, 4.0], &[1.0, 3.0]), [2.0, 3.0]);
    }
}
