//! Versions of packages, as far as two spellings of one have to be known as the same (PEP 440).

/// Whether two versions are spelled differently at most: letter case, separators, `alpha` for `a`, zeros at the end.
#[must_use]
pub fn same_version(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// Spellings that stand for another.
const SPELLINGS: [(&str, &str); 6] =
    [("alpha", "a"), ("beta", "b"), ("preview", "rc"), ("pre", "rc"), ("c", "rc"), ("rev", "post")];

/// A spelling that all of a version's have in common.
fn canonical(version: &str) -> String {
    let lower = version.trim().to_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let (public, local) = match lower.split_once('+') {
        Some((public, local)) => (public, Some(local)),
        None => (lower, None),
    };
    let mut pieces = pieces(public);
    // Zeros at the end of the release, before any word, mean nothing.
    let words = pieces.iter().position(|piece| !piece.starts_with(|c: char| c.is_ascii_digit()));
    let mut end = words.unwrap_or(pieces.len());
    while end > 1 && pieces.get(end - 1).is_some_and(|piece| piece == "0") {
        pieces.remove(end - 1);
        end -= 1;
    }
    let local = local.map(|local| self::pieces(local).join("."));
    pieces.join(".") + &local.map_or(String::new(), |local| format!("+{local}"))
}

/// Runs of digits without their leading zeros and runs of letters by their usual spelling. An epoch counts as a piece.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| match first.is_ascii_digit() {
            true => c.is_ascii_digit(),
            false => c.is_alphabetic() == first.is_alphabetic() && !c.is_ascii_digit(),
        };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        if first.is_ascii_digit() {
            let number = piece.trim_start_matches('0');
            pieces.push(if number.is_empty() { "0".to_owned() } else { number.to_owned() });
        } else if first.is_alphabetic() {
            let usual = SPELLINGS.iter().find(|(spelling, _)| *spelling == piece);
            pieces.push(usual.map_or(piece, |(_, usual)| usual).to_owned());
            // A word without a number has zero.
            if !tail.trim_start_matches(['.', '-', '_']).starts_with(|c: char| c.is_ascii_digit()) {
                pieces.push("0".to_owned());
            }
        } else if piece.contains('!') {
            pieces.push("!".to_owned());
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_version_are_the_same() {
        let same = [
            ("1.0", "1"),
            ("1.0.0", "1.0"),
            ("v1.2", "1.2"),
            ("1.0-Alpha.1", "1.0a1"),
            ("1.0rc", "1.0rc0"),
            ("1.0+local-1", "1.0+local.1"),
            ("1.0.post1", "1.0-post_1"),
            ("1.0.dev03", "1.0.dev3"),
            ("1.0_beta2", "1b2"),
        ];
        for (one, other) in same {
            assert!(same_version(one, other), "{one} {other}");
        }
        let different =
            [("1.0", "10"), ("1.0", "1.0.1"), ("1.0a1", "1.0b1"), ("1!1", "1.1"), ("1.0", "1.0+a")];
        for (one, other) in different {
            assert!(!same_version(one, other), "{one} {other}");
        }
    }
}
