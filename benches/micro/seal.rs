//! Sealing what the browser carries, and the hashes and texts of secrets.

use std::hint::black_box;

use criterion::Criterion;
use doorward::clock::UnixTime;
use doorward::crypto::seal::{MasterKey, Purpose, Sealer};
use doorward::crypto::secret::{self, Secret, SecretHash};

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal");
    let sealer = Sealer::new(&MasterKey::generate());
    // As long as the flow of an ordinary authorization request.
    let flow = vec![b'x'; 450];
    let text = sealer.seal(Purpose::Flow, &flow);
    group.bench_function("seal a flow", |b| {
        b.iter(|| sealer.seal(Purpose::Flow, black_box(&flow)));
    });
    group.bench_function("open a flow", |b| {
        b.iter(|| sealer.open(Purpose::Flow, black_box(&text)));
    });
    let mac = sealer.mac(Purpose::Csrf, b"browser|session");
    group.bench_function("check a form token", |b| {
        b.iter(|| sealer.mac_matches(Purpose::Csrf, b"browser|session", black_box(&mac)));
    });
    let secret = Secret::generate();
    let hash = secret.hash();
    group.bench_function("Secret::generate", |b| b.iter(Secret::generate));
    group.bench_function("SecretHash::of", |b| {
        b.iter(|| SecretHash::of(black_box(secret.expose())));
    });
    group.bench_function("SecretHash::matches", |b| {
        b.iter(|| hash.matches(black_box(secret.expose())));
    });
    group.bench_function("new_id", |b| {
        b.iter(|| secret::new_id(black_box(UnixTime(1_800_000_000))));
    });
    group.finish();
}
