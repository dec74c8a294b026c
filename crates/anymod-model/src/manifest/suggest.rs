//! Did-you-mean: the known word nearest to an unknown one.

/// The candidate nearest to `word`, if it is near enough to have been meant: a third of the letters may differ.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short; a long foreign word must not cost quadratic time.
    if word.len() > 80 {
        return None;
    }
    let allowed = (word.chars().count() / 3).max(1);
    let fold = |text: &str| text.to_lowercase().replace('_', "-");
    let folded = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance in characters: insertions, deletions, replacements and swaps of neighbours.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous_left = None;
    for (row, letter) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != *other);
            let mut cost = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped =
                column > 0 && previous_left == Some(*other) && right[column - 1] == letter;
            if swapped && !before_last.is_empty() {
                cost = cost.min(before_last[column - 1] + 1);
            }
            current.push(cost);
        }
        before_last = std::mem::replace(&mut last, current);
        previous_left = Some(letter);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("cfalgs", "cflags"), 1);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn only_near_words_are_suggested() {
        let keys = ["sources", "flags", "cflags", "include-dirs"];
        assert_eq!(nearest("source", keys), Some("sources"));
        assert_eq!(nearest("include_dirs", keys), Some("include-dirs"));
        assert_eq!(nearest("CFLAGS", keys), Some("cflags"));
        assert_eq!(nearest("optimise", keys), None);
    }
}
