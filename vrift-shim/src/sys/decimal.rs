//! Numbers as text, without memory.

/// Writes `number` at the end of `digits`, and gives that part of it.
pub fn of(number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let (mut left, mut start) = (number, digits.len());
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (left % 10) as u8;
        (left, start) = (left / 10, place);
        if left == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}
