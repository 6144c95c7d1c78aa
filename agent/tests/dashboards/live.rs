//! Every question of the rules and dashboards gets an answer from a real Prometheus that scrapes a real agent.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{Failing, Failure, LongLived, Plan, Target, Traffic};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;

use crate::board::boards;
use crate::common::{agent, config, pool};
use crate::host::{at, on_own_host};
use crate::names::PLANNED;
use crate::promql::{metrics, selectors, substituted};
use crate::repository;
use crate::rulefile::{RULES, rules};
use crate::server::{DEADLINE, Prometheus};

const SERVES: [&str; 2] = ["127.0.0.1:8001", "127.0.0.1:8002"];
/// A backend that refuses.
const REFUSING: &str = "127.0.0.9:9";

/// A question and the place where it is asked.
struct Question {
    place: String,
    expression: String,
}

/// All expressions of dashboards as Grafana would ask them for the pool `shop` of an agent, those of recording rules, and
/// what the conditions of alerts look at: the conditions themselves hold only in trouble.
fn questions(instance: &str) -> Vec<Question> {
    let values = [
        ("job", "evenkeel"),
        ("pool", "shop"),
        ("instance", instance),
        ("signal", "opened"),
        ("__rate_interval", "10s"),
        ("__range", "1m"),
    ];
    let values: BTreeMap<&str, String> = values.map(|(k, v)| (k, v.to_owned())).into();
    let mut questions = Vec::new();
    for board in boards() {
        for (place, expression) in board.expressions() {
            let expression = substituted(expression, &values);
            questions.push(Question { place, expression });
        }
    }
    for rule in rules() {
        let (place, of_alert) = match (rule.record, rule.alert) {
            (Some(record), _) => (record, false),
            (None, alert) => (alert.unwrap(), true),
        };
        let expressions = if of_alert {
            selectors(&rule.expr)
        } else {
            [rule.expr].into()
        };
        questions.extend(expressions.into_iter().map(|expression| Question {
            place: place.clone(),
            expression,
        }));
    }
    questions
}

/// The metrics that are not there yet, and what is recorded from them.
fn absent() -> BTreeSet<String> {
    let mut absent: BTreeSet<String> = PLANNED.map(str::to_owned).into();
    // Rules stand after those whose records they use.
    for rule in rules() {
        if let Some(record) = rule.record
            && !metrics(&rule.expr).is_disjoint(&absent)
        {
            absent.insert(record);
        }
    }
    absent
}

/// Asks until all questions have an answer. Takes the server as what it is to anybody: something to ask.
fn assert_answered(ask: impl Fn(&str) -> bool, questions: Vec<Question>) {
    let mut open = questions;
    let answered = wait_for(DEADLINE, "an answer to every question", || {
        open.retain(|question| !ask(&question.expression));
        Ok(open.is_empty().then_some(()))
    });
    let open: Vec<String> = open
        .iter()
        .map(|q| format!("{}: {}", q.place, q.expression))
        .collect();
    answered.unwrap_or_else(|error| panic!("{error:#}; nothing for\n{}", open.join("\n")));
}

/// Waits until every rule was evaluated, and asserts that none failed.
fn assert_rules_evaluate(prometheus: &Prometheus) {
    let count = rules().len();
    let evaluated = wait_for(DEADLINE, "the evaluation of every rule", || {
        let data = prometheus.api("/api/v1/rules")?;
        let groups = data["groups"].as_array().unwrap().iter();
        let rules: Vec<&Value> = groups
            .flat_map(|group| group["rules"].as_array().unwrap())
            .collect();
        assert_eq!(rules.len(), count);
        for rule in &rules {
            assert_ne!(rule["health"], "err", "{rule:#}");
        }
        Ok(rules
            .iter()
            .all(|rule| rule["health"] == "ok")
            .then_some(()))
    });
    evaluated.unwrap();
}

/// A pool with something of each signal: one backend gets three times what the other gets, and the third refuses.
fn traffic(host: &Namespace) -> (Backend, LongLived, Traffic) {
    let places = [(host, SERVES.map(at).to_vec())];
    let backend = Backend::start(&places, &Options::new(Protocol::Lab)).unwrap();
    let open = LongLived::open(host, &SERVES.map(at), 8).unwrap();
    let mut plan = Plan::new(SERVES.map(at), u64::MAX);
    plan.per_second = Some(200);
    plan.targets = vec![
        Target {
            address: at(SERVES[0]),
            weight: 3,
        },
        Target {
            address: at(SERVES[1]),
            weight: 1,
        },
    ];
    plan.failing = vec![Failing {
        kind: Failure::Refused,
        target: at(REFUSING),
        count: 20,
    }];
    let traffic = plan.start(&[host]).unwrap();
    (backend, open, traffic)
}

fn start(host: &Namespace) -> (Agent, Prometheus) {
    let backends = [SERVES[0], SERVES[1], REFUSING].map(at);
    let agent = agent(&config(&[pool("shop", "upstream", backends)]));
    let prometheus = Prometheus::start_with_rules(host, &agent, &repository(RULES));
    (agent, prometheus)
}

#[test]
fn every_panel_and_rule_gets_an_answer() {
    on_own_host(|host| {
        let (agent, prometheus) = start(host);
        let (_backend, _open, traffic) = traffic(host);
        let absent = absent();
        let (open, later): (Vec<Question>, Vec<Question>) = questions(&agent.address().to_string())
            .into_iter()
            .partition(|question| metrics(&question.expression).is_disjoint(&absent));
        assert!(open.len() > 50, "{}", open.len());
        eprintln!(
            "{} questions, {} about metrics to come",
            open.len(),
            later.len()
        );
        let ask = |expression: &str| !prometheus.query(expression).unwrap().is_empty();
        assert_answered(ask, open);
        assert_rules_evaluate(&prometheus);
        // What cannot be answered yet is at least understood.
        for question in later {
            prometheus.query(&question.expression).unwrap();
        }
        prometheus.assert_content();
        traffic.stop().unwrap();
    });
}
