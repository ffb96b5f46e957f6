//! What a world's systems receive: each takes some commands at once, some only after a while, and a few never.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gtm::platform::outbox::{Next, Outgoing, Sender, Sent, Unsent};
use serde_json::Value;
use uuid::Uuid;

use super::world::Chance;

/// Where commands about handoffs go.
const DESTINATIONS: [&str; 5] =
    ["crm/update_deal", "crm/log_activity", "messaging/alert", "messaging/digest", "email/briefing"];

/// All systems of a world.
pub struct Receiver {
    seed: u64,
    /// What came: how often, and what it said.
    came: Arc<Mutex<BTreeMap<Uuid, (usize, String)>>>,
}

struct System {
    seed: u64,
    came: Arc<Mutex<BTreeMap<Uuid, (usize, String)>>>,
}

impl Receiver {
    pub fn new(seed: u64) -> Self {
        Self { seed, came: Arc::default() }
    }

    pub fn senders(&self) -> Vec<(&'static str, Arc<dyn Sender>)> {
        let system = |_| -> Arc<dyn Sender> { Arc::new(System { seed: self.seed, came: self.came.clone() }) };
        DESTINATIONS.map(|destination| (destination, system(destination))).into()
    }

    /// What arrived, by delivery.
    pub fn came(&self) -> BTreeMap<Uuid, (usize, String)> {
        self.came.lock().unwrap().clone()
    }
}

impl Sender for System {
    fn provider(&self) -> &'static str {
        "world"
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        std::future::ready(self.take(outgoing)).boxed()
    }
}

impl System {
    fn take(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let mut chance = Chance::of(self.seed, 6, key(&outgoing));
        if chance.one_in(15) {
            return Err(Unsent::never("the address is wrong"));
        }
        if chance.one_in(4) && i64::from(outgoing.attempts) <= chance.within(1, 6) {
            return Err(Unsent {
                status: Some(503),
                error: "busy".to_owned(),
                next: Next::After(chrono::TimeDelta::minutes(chance.within(1, 20))),
                down: false,
                unsure: false,
            });
        }
        let mut came = self.came.lock().unwrap();
        let entry = came.entry(outgoing.id).or_insert_with(|| (0, outgoing.payload.to_owned()));
        assert_eq!(entry.1, outgoing.payload, "the same command over all attempts");
        entry.0 += 1;
        Ok(Sent::default())
    }
}

/// The same in every run of a world, as ids are not: destination, account and what it is about.
fn key(outgoing: &Outgoing<'_>) -> u64 {
    let body: Value = serde_json::from_str(outgoing.payload).unwrap();
    let about = [&body["timestamp"], &body["data"]["title"], &body["data"]["subject"]];
    let text = format!("{} {} {about:?}", outgoing.destination, outgoing.account_id);
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
