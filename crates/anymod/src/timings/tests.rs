//! Tests of the page: what it says of known runs, and that nothing in a run can break out of it.

use anymod_model::event::{Action, ActionKind, Event, Help, Outcome, Reason, Remote, Totals};

use super::page;
use super::run::{Run, time};

fn action(kind: ActionKind, subject: &str) -> Action {
    let (module, target) = (Some("m".to_owned()), "micropython-x64".to_owned());
    Action { kind, module, target, subject: subject.to_owned() }
}

/// An action that ran from `start` to `end` milliseconds after others.
fn ran(id: usize, slot: usize, start: u64, end: u64, after: &[usize]) -> [Event; 2] {
    let action = action(ActionKind::Compile, &format!("{id}.c"));
    [
        Event::ActionStarted {
            id,
            action: action.clone(),
            slot,
            at: start * 1000,
            reasons: vec![Reason::New],
            after: after.to_vec(),
            remote: false,
        },
        Event::ActionFinished {
            id,
            action,
            slot,
            at: end * 1000,
            outcome: Outcome::Ran,
            command: None,
            output: String::new(),
            remote: None,
        },
    ]
}

fn run_started(actions: usize, jobs: usize) -> Event {
    let anymod = "0.1.0".to_owned();
    Event::RunStarted {
        version: 2,
        anymod,
        modules: 1,
        actions,
        stale: actions,
        jobs,
        remote_jobs: 0,
    }
}

/// The data that the script draws from.
fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_critical_path_is_the_longest_chain_and_not_the_last_to_end() {
    // 1 -> 3 -> 5 takes 10 + 30 + 10; 2 -> 4 takes 20 + 5, and 6 ends last but waited for a slot, not for an action.
    let events = [
        ran(1, 0, 0, 10, &[]),
        ran(2, 1, 0, 20, &[]),
        ran(3, 0, 10, 40, &[1]),
        ran(4, 1, 20, 25, &[2]),
        ran(5, 0, 40, 50, &[3, 4, 77]),
        ran(6, 1, 50, 70, &[]),
    ]
    .concat();
    let run = Run::of(&events);
    let path: Vec<usize> = run.critical().map(|timed| timed.id).collect();
    assert_eq!(path, [1, 3, 5]);
    assert_eq!((run.end(), run.slots()), (70_000, 2));
    assert_eq!(run.busy().into_values().collect::<Vec<_>>(), [50_000, 45_000]);
}

#[test]
fn equal_chains_give_the_same_page_every_time() {
    let events =
        [ran(1, 0, 0, 10, &[]), ran(2, 1, 0, 10, &[]), ran(3, 0, 10, 20, &[2, 1])].concat();
    let path: Vec<usize> = Run::of(&events).critical().map(|timed| timed.id).collect();
    assert_eq!(path, [1, 3]);
    assert_eq!(page(&events), page(&events));
}

#[test]
fn the_page_sums_the_run_up() {
    let mut events = vec![run_started(5, 2)];
    events.extend([ran(1, 0, 0, 1500, &[]), ran(2, 1, 0, 500, &[])].concat());
    let hit = action(ActionKind::Link, "m.mpy");
    events.push(Event::ActionStarted {
        id: 3,
        action: hit.clone(),
        slot: 1,
        at: 1_500_000,
        reasons: Vec::new(),
        after: vec![1, 2],
        remote: false,
    });
    events.push(Event::ActionFinished {
        id: 3,
        action: hit,
        slot: 1,
        at: 2_000_000,
        outcome: Outcome::Hit,
        command: None,
        output: String::new(),
        remote: None,
    });
    let totals = Totals { ran: 2, hits: 1, fresh: 2, milliseconds: 2_100, ..Totals::default() };
    events.push(Event::RunFinished(totals));
    let page = page(&events);
    for part in [
        "<b>2.10 s</b><span>in all</span>",
        "<b>2</b><span>ran</span>",
        "<b>1</b><span>from the store</span>",
        "<b>2</b><span>fresh</span>",
        "<b>1.3</b><span>busy on average, of 2 slots</span>",
        "<b>2.00 s</b><span>critical path, 100 % of the run</span>",
        "<i class=\"key hit\"></i>link m: m.mpy",
        "never built here",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let data = data(&page);
    assert_eq!(data["actions"][2]["outcome"], "hit");
    assert_eq!(data["actions"][1]["critical"], false);
}

#[test]
fn no_name_breaks_out_of_the_page() {
    let evil = "</script><script>alert(1)</script><!--DATA--> <!--TABLES--> \"'&\u{2028}\u{0}.c";
    let action = Action {
        kind: ActionKind::Compile,
        module: Some(evil.to_owned()),
        target: evil.to_owned(),
        subject: evil.to_owned(),
    };
    let reasons = vec![Reason::Input { path: evil.to_owned() }; 9];
    let events = [
        Event::RunStarted {
            version: 2,
            anymod: evil.into(),
            modules: 1,
            actions: 1,
            stale: 1,
            jobs: 1,
            remote_jobs: 0,
        },
        Event::ActionStarted {
            id: 0,
            action,
            slot: 0,
            at: 0,
            reasons,
            after: vec![0],
            remote: false,
        },
    ];
    let page = page(&events);
    assert_eq!(page.matches("<script").count(), 2, "the template's own two");
    assert_eq!(page.matches("</script>").count(), 2);
    let data = data(&page);
    assert_eq!(data["actions"][0]["target"], evil);
    assert_eq!(data["actions"][0]["outcome"], "unfinished");
    assert_eq!(data["actions"][0]["reasons"][6], "and 3 more");
}

#[test]
fn what_a_server_did_is_told_and_what_it_left_ends_where_it_was() {
    let [started, mut finished] = ran(1, 0, 20, 50, &[]);
    let sent = |slot| {
        let [mut sent, _] = ran(1, slot, 0, 0, &[]);
        if let Event::ActionStarted { remote, .. } = &mut sent {
            *remote = true;
        }
        sent
    };
    let why = "this machine was faster".to_owned();
    let left = Event::ActionLeft { id: 1, slot: 2, at: 30_000, why };
    let page_of_race = page(&[sent(2), started, left, finished.clone()]);
    let actions = &data(&page_of_race)["actions"];
    assert_eq!((&actions[0]["outcome"], &actions[0]["end"]), (&"left".into(), &30_000.into()));
    assert_eq!(actions[0]["reasons"][0], "this machine was faster");
    assert_eq!((&actions[1]["outcome"], &actions[1]["critical"]), (&"ran".into(), &true.into()));
    if let Event::ActionFinished { slot, remote, .. } = &mut finished {
        *slot = 2;
        let worker = "w-1".to_owned();
        *remote = Some(Remote { how: Help::Executed, waited: 0, queued: 7_000, down: 9, worker });
    }
    let totals = Totals {
        ran: 1,
        remote_ran: 1,
        remote_queued: 7_000,
        uploaded: 1_500_000,
        ..Totals::default()
    };
    let page = page(&[sent(2), finished, Event::RunFinished(totals)]);
    assert_eq!(
        data(&page)["actions"][0]["remote"],
        "done there by `w-1`, 7.0 ms queued, 9 bytes down"
    );
    for cell in ["<b>1</b><span>done there", "<b>7.0 ms</b>", "<b>1.5 MB</b><span>up"] {
        assert!(page.contains(cell), "{cell}");
    }
}

#[test]
fn a_run_without_actions_has_a_page() {
    let totals = Totals { fresh: 12, milliseconds: 3, ..Totals::default() };
    let events = [run_started(12, 4), Event::RunFinished(totals)];
    for events in [&events[..], &[]] {
        let page = page(events);
        assert!(page.contains("Nothing had to run."));
        assert_eq!(data(&page)["end"], 0);
    }
    assert!(page(&events).contains("<b>12</b><span>fresh</span>"));
}

#[test]
fn the_page_asks_for_nothing_from_elsewhere() {
    let page = page(&ran(1, 0, 0, 1, &[]));
    for word in ["http:", "https:", "src=", "href=", "@import", "url(", "fetch("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn times_are_told_as_precisely_as_they_matter() {
    let told = [7, 1_234, 56_789, 1_234_567, 61_000_000].map(time);
    assert_eq!(told, ["7 µs", "1.2 ms", "57 ms", "1.23 s", "1 min 01 s"]);
}
