//! Rendering the pages of a sign-in, and the longest page of the console.

use std::hint::black_box;

use criterion::Criterion;
use doorward::http::pages::{admin, consent, form_post, render, sign_in};

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pages");
    let page = sign_in::SignIn::sample();
    group.bench_function("sign-in", |b| b.iter(|| render(black_box(&page))));
    let page = consent::Consent::sample();
    group.bench_function("consent", |b| b.iter(|| render(black_box(&page))));
    let page = form_post::FormPost::sample();
    group.bench_function("form_post", |b| b.iter(|| render(black_box(&page))));
    let page = admin::users::UserDetail::sample();
    group.bench_function("console, one person", |b| b.iter(|| render(black_box(&page))));
    group.finish();
}
