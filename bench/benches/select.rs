//! Unit of work: one packet judged for one subscriber: sent on, left out, or a place to switch.

use criterion::{Criterion, criterion_group, criterion_main};
use plenum_bench::allocations::{self, Counting};
use plenum_sfu::engine::router::{
    layers::{Layers, Verdict},
    payload::Description,
};
use plenum_shared::media::Layer;
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TOP: Layer = Layer { spatial: 2, temporal: None };

fn select(criterion: &mut Criterion) {
    let mut layers = Layers::new(false, TOP);
    layers.set_target(Some(TOP));
    let keyframe = Description { keyframe: true, ..Description::PLAIN };
    assert_eq!(layers.judge(2, 0, &keyframe, None), Verdict::Enter);
    let mut timestamp = 0_u32;
    let mut judge = |stream, expected| {
        timestamp = timestamp.wrapping_add(1);
        assert_eq!(
            layers.judge(black_box(stream), timestamp / 5 * 3000, &Description::PLAIN, None),
            expected
        );
    };
    allocations::report("select/of the layer that is sent", || judge(2, Verdict::Send));
    criterion.bench_function("select/of the layer that is sent", |bencher| {
        bencher.iter(|| judge(2, Verdict::Send));
    });
    criterion.bench_function("select/of another layer", |bencher| bencher.iter(|| judge(0, Verdict::Ignore)));
}

criterion_group!(benches, select);
criterion_main!(benches);
