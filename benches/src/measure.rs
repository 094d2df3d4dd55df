//! Measuring in turn: every side once in each round, so that all see the same machine.

use std::io;

/// What one side gave.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// A value a round.
    pub values: Vec<f64>,
    /// Why it was not gone on with.
    pub failed: Option<String>,
}

/// Measures all sides, so often. Each round begins with another side, so that none is always behind the same one. A side
/// that fails is left out from then on.
pub fn in_turn(
    rounds: u32,
    sides: usize,
    mut once: impl FnMut(usize, u32) -> io::Result<f64>,
) -> Vec<Series> {
    let mut all = vec![Series::default(); sides];
    for round in 0..rounds {
        for step in 0..sides {
            let side = (step + round as usize) % sides;
            if all[side].failed.is_some() {
                continue;
            }
            match once(side, round) {
                Ok(value) => all[side].values.push(value),
                Err(error) => all[side].failed = Some(error.to_string()),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_every_side_and_begins_with_another() {
        let mut order = Vec::new();
        let all = in_turn(3, 3, |side, round| {
            order.push(side);
            Ok(f64::from(round) * 10.0 + side as f64)
        });
        assert_eq!(order, [0, 1, 2, 1, 2, 0, 2, 0, 1]);
        assert_eq!(all[1].values, [1.0, 11.0, 21.0]);
    }

    #[test]
    fn a_side_that_fails_is_left_out_and_says_why() {
        let all = in_turn(3, 2, |side, round| match (side, round) {
            (1, 1..) => Err(io::Error::other("no")),
            _ => Ok(1.0),
        });
        assert_eq!((all[0].values.len(), all[0].failed.as_deref()), (3, None));
        assert_eq!((all[1].values.len(), all[1].failed.as_deref()), (1, Some("no")));
    }
}
