//! The `process_` metrics every Prometheus client offers: memory, processor time, open files, threads.
//! Read when somebody asks for them.

use std::fmt::Error;

use procfs::process::{LimitValue, Process, Stat};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

/// Adds them to `registry`.
pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(ThisProcess));
}

#[derive(Debug)]
struct ThisProcess;

impl Collector for ThisProcess {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        // Where there is no /proc there are no figures.
        let Ok(process) = Process::myself() else { return Ok(()) };
        let Ok(stat) = process.stat() else { return Ok(()) };
        let (mut out, bytes) = (Out(&mut encoder), Some(&Unit::Bytes));
        let cpu = ConstCounter::new(seconds(stat.utime.saturating_add(stat.stime)));
        out.write(("process_cpu", "Processor time spent"), Some(&Unit::Seconds), &cpu)?;
        let resident = stat.rss.saturating_mul(procfs::page_size());
        out.gauge(("process_resident_memory", "Memory in use"), bytes, resident)?;
        out.gauge(("process_virtual_memory", "Memory that was reserved"), bytes, stat.vsize)?;
        let threads = u64::try_from(stat.num_threads).unwrap_or_default();
        out.gauge(("process_threads", "Threads"), None, threads)?;
        if let Some(started) = started_at(&stat) {
            let about = ("process_start_time", "When the process began, in Unix time");
            out.gauge(about, Some(&Unit::Seconds), started)?;
        }
        if let Ok(open) = process.fd_count() {
            let open = u64::try_from(open).unwrap_or(u64::MAX);
            out.gauge(("process_open_fds", "Open files and sockets"), None, open)?;
        }
        let limits = process.limits().map(|limits| limits.max_open_files.soft_limit);
        if let Ok(LimitValue::Value(most)) = limits {
            out.gauge(("process_max_fds", "How many may be open"), None, most)?;
        }
        Ok(())
    }
}

/// Seconds after 1970 at which the process began.
fn started_at(stat: &Stat) -> Option<u64> {
    let boot = procfs::boot_time_secs().ok()?;
    Some(boot.saturating_add(stat.starttime / procfs::ticks_per_second().max(1)))
}

/// Ticks of the kernel in seconds.
fn seconds(ticks: u64) -> f64 {
    let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
    let per_second = u32::try_from(procfs::ticks_per_second()).unwrap_or(100);
    f64::from(ticks) / f64::from(per_second.max(1))
}

/// Writes one metric after the other.
struct Out<'a, 'e>(&'a mut DescriptorEncoder<'e>);

impl Out<'_, '_> {
    fn gauge(&mut self, about: (&str, &str), unit: Option<&Unit>, value: u64) -> Result<(), Error> {
        let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        self.write(about, unit, &value)
    }

    fn write(
        &mut self,
        (name, help): (&str, &str),
        unit: Option<&Unit>,
        metric: &impl EncodeMetric,
    ) -> Result<(), Error> {
        let described = self.0.encode_descriptor(name, help, unit, metric.metric_type())?;
        metric.encode(described)
    }
}
