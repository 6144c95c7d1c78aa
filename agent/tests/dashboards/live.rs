//! Every question of the rules and dashboards gets an answer from a real Prometheus that scrapes a real agent.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{Failing, Failure, LongLived, Plan, Target, Traffic};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::{wait_for, wait_until};
use serde_json::Value;

use crate::alertmanager::{ADDRESS, Alertmanager};
use crate::board::boards;
use crate::common::{agent, config, pool};
use crate::host::{at, on_own_host};
use crate::promql::{metrics, selectors, substituted};
use crate::repository;
use crate::rulefile::{RULES, rules};
use crate::server::Prometheus;

const SERVES: [&str; 2] = ["127.0.0.1:8001", "127.0.0.1:8002"];
/// A backend that refuses.
const REFUSING: &str = "127.0.0.9:9";

/// How long it may take until a skew is detected and everything that follows from it has been scraped.
const DEADLINE: Duration = Duration::from_secs(60);

/// Metrics that agents have which find their pools themselves, and no others.
const AUTO_ONLY: &str = "evenkeel_discovery_last_success_timestamp_seconds";

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

/// The same, apart: what every agent has an answer to, and what only those have that find their pools themselves.
fn questions_apart(instance: &str) -> [Vec<Question>; 2] {
    let all = questions(instance).into_iter();
    let (auto, every): (Vec<_>, Vec<_>) =
        all.partition(|question| metrics(&question.expression) == [AUTO_ONLY.to_owned()].into());
    [every, auto]
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

/// An agent that pages by itself, or one that leaves it to Prometheus.
fn start(host: &Namespace, pages: bool) -> (Agent, Prometheus) {
    let backends = [SERVES[0], SERVES[1], REFUSING].map(at);
    let pools = config(&[pool("shop", "upstream", backends)]);
    let alerting = if pages {
        format!("alerting: {{alertmanagers: [{{url: 'http://{ADDRESS}'}}]}}\n")
    } else {
        String::new()
    };
    let agent = agent(&format!("window: 5s\n{alerting}{pools}"));
    let prometheus = Prometheus::start_with_rules(host, &agent, &repository(RULES));
    (agent, prometheus)
}

/// Pools for which a rule has an alert.
const PAGED: &str = "ALERTS{alertname=\"EvenkeelPoolSkewed\", pool=\"shop\"}";

#[test]
fn every_panel_and_rule_gets_an_answer_and_nobody_is_paged_twice() {
    on_own_host(|host| {
        let alertmanager = Alertmanager::start(host);
        let (agent, prometheus) = start(host, true);
        let (_backend, _open, traffic) = traffic(host);
        let [every, auto] = questions_apart(&agent.address().to_string());
        assert!(every.len() > 100, "{}", every.len());
        let ask = |expression: &str| !prometheus.query(expression).unwrap().is_empty();
        assert_answered(ask, every);
        for Question { place, expression } in auto {
            assert!(!ask(&expression), "{place}: not for auto mode alone");
        }
        assert_rules_evaluate(&prometheus);

        // The agent has paged, and the rules, which saw the same, have not.
        wait_until(DEADLINE, "the agent's alert", || {
            let alerts = alertmanager.alerts();
            alerts.iter().any(|alert| {
                let labels = &alert["labels"];
                labels["alertname"] == "EvenkeelPoolSkewed" && labels["sender"] == "evenkeel"
            })
        })
        .unwrap();
        let skewed = "evenkeel_pool_verdict{pool=\"shop\", verdict=\"skewed\"} == 1";
        assert!(ask(skewed));
        let ever = format!("last_over_time({PAGED}[10m])");
        assert_eq!(prometheus.query(&ever).unwrap(), []);
        prometheus.assert_content();
        traffic.stop().unwrap();
    });
}

#[test]
fn an_agent_that_finds_its_pools_itself_answers_what_others_cannot() {
    on_own_host(|host| {
        let agent = agent("interval: 200ms\n");
        let prometheus = Prometheus::start(host, &agent);
        let [_, auto] = questions_apart(&agent.address().to_string());
        assert!(!auto.is_empty());
        assert_answered(
            |expression| !prometheus.query(expression).unwrap().is_empty(),
            auto,
        );
    });
}

#[test]
fn the_rules_page_for_an_agent_that_does_not() {
    on_own_host(|host| {
        let (_agent, prometheus) = start(host, false);
        let (_backend, _open, traffic) = traffic(host);
        let firing = format!("{PAGED} == 1");
        wait_until(DEADLINE, "the alert of the rules", || {
            !prometheus.query(&firing).unwrap().is_empty()
        })
        .unwrap();
        traffic.stop().unwrap();
    });
}
