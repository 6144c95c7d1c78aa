//! How fast the lab makes connections: 200,000 in all ways, from 16 clients to 200 backends. Run with `--release`.

use std::time::Instant;

use anyhow::Result;
use evenkeel_lab::backend::{Options, Protocol};
use evenkeel_lab::client::Plan;
use evenkeel_lab::ledger::Column;
use evenkeel_lab::network::{Family, Layout, Network};

fn main() -> Result<()> {
    let connections = 200_000_u32;
    let layout = Layout {
        clients: 16,
        backend_hosts: 4,
        backend_addresses: 100,
        balancers: 0,
    };
    let network = Network::build(&layout)?;
    let backend = network.serve(&Options::new(Protocol::Lab), Family::Both, 80)?;
    let plan = Plan::new(backend.addresses().iter().copied(), connections.into());
    let began = Instant::now();
    let truth = plan.run(&network.sources())?;
    let took = began.elapsed().as_secs_f64();
    truth.compare(
        &backend.ledger(),
        &[Column::Opened, Column::ToBackend, Column::FromBackend],
    )?;
    println!(
        "{connections} connections in {took:.1} s: {:.0} a second",
        f64::from(connections) / took
    );
    Ok(())
}
