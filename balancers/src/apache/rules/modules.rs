//! Modules that a balancer needs: APA-017.

use super::NO_MODULE;
use crate::apache::condition::Modules;
use crate::apache::config::Config;
use crate::apache::pools::View;
use crate::finding::Report;

/// APA-017: `mod_proxy_balancer` without what it cannot start without. Only if it is loaded by the configuration itself:
/// otherwise others may be in the program too.
pub(super) fn missing(config: &Config, modules: &Modules, views: &[View<'_>], report: &mut Report) {
    if !config.whole || !modules.loaded("proxy_balancer") {
        return;
    }
    for view in views {
        let Some((method, _)) = &view.balancer.settings.method else {
            let needed = "lbmethod_byrequests";
            if !modules.has(needed) {
                tell(
                    view,
                    needed,
                    "is balanced by requests, which is the default",
                    report,
                );
            }
            continue;
        };
        let needed = format!("lbmethod_{}", method.name());
        if !modules.has(&needed) {
            tell(
                view,
                &needed,
                &format!("is balanced by `{}`", method.name()),
                report,
            );
        }
    }
    if let Some(view) = views.first().filter(|_| !modules.has("slotmem_shm")) {
        tell(
            view,
            "slotmem_shm",
            "keeps its accounts in shared memory",
            report,
        );
    }
}

fn tell(view: &View<'_>, needed: &str, why: &str, report: &mut Report) {
    let message = format!(
        "the balancer {why}, and mod_{needed} is not loaded: httpd does not start, although `apachectl configtest` may find nothing"
    );
    let help = format!(
        "load it: `LoadModule {needed}_module modules/mod_{needed}.so`; on Debian `a2enmod {needed}`"
    );
    let place = view.balancer.place;
    view.add(report, &NO_MODULE, place, message, help)
        .subject(needed);
}
