//! The `process_` metrics every Prometheus client offers: memory, processor time, open files. Read when
//! somebody asks for them.

use procfs::process::Process;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
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
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        // Where there is no /proc there are no figures.
        let Ok(process) = Process::myself() else { return Ok(()) };
        let Ok(stat) = process.stat() else { return Ok(()) };
        let ticks = u32::try_from(stat.utime.saturating_add(stat.stime)).unwrap_or(u32::MAX);
        let per_second = u32::try_from(procfs::ticks_per_second()).unwrap_or(100);
        let cpu = ConstCounter::new(f64::from(ticks) / f64::from(per_second.max(1)));
        let name = "process_cpu";
        let help = "Processor time spent";
        let described =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), cpu.metric_type())?;
        cpu.encode(described)?;
        let resident = stat.rss.saturating_mul(procfs::page_size());
        let memory = ConstGauge::new(i64::try_from(resident).unwrap_or(i64::MAX));
        let name = "process_resident_memory";
        let help = "Memory in use";
        let described =
            encoder.encode_descriptor(name, help, Some(&Unit::Bytes), memory.metric_type())?;
        memory.encode(described)?;
        let Ok(open) = process.fd_count() else { return Ok(()) };
        let files = ConstGauge::new(i64::try_from(open).unwrap_or(i64::MAX));
        let described = encoder.encode_descriptor(
            "process_open_fds",
            "Open files and sockets",
            None,
            files.metric_type(),
        )?;
        files.encode(described)
    }
}
