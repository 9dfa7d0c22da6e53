//! Apache Spark from PyPI as a standalone cluster: a master, workers and a Connect server, each a process on loopback.

use crate::service::Service;
use crate::setup::{Running, Setup};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The memory of a worker. Its tasks keep one total for each word.
const WORKER_MEMORY: &str = "2g";

/// A program of Spark, with the environment that keeps all of it on loopback and in `folder`.
fn command(home: &Path, java: &Path, folder: &Path, program: &str) -> Command {
    let mut command = Command::new("bash");
    command.arg(home.join("bin").join(program)).envs([
        ("SPARK_HOME", home),
        ("JAVA_HOME", java),
        ("SPARK_LOCAL_IP", Path::new("127.0.0.1")),
        ("SPARK_LOCAL_DIRS", folder),
        ("SPARK_WORKER_DIR", folder),
        ("SPARK_CONF_DIR", folder),
        // A REST server of the master would be one more port. More memory here would also go to the Connect server.
        ("SPARK_DAEMON_JAVA_OPTS", Path::new("-Dspark.master.rest.enabled=false")),
    ]);
    // For every Java process, those that a worker starts included.
    command.env("JAVA_TOOL_OPTIONS", format!("-Djava.io.tmpdir={} -XX:-UsePerfData", folder.display()));
    command
}

pub(super) async fn start(setup: &Setup, until: Instant) -> Result<Running> {
    let home = setup.installed.join("spark");
    let jars = home.join("jars");
    ensure!(jars.is_dir(), "Spark is not installed: there is no {}; `just cluster spark` installs it", jars.display());
    let java = crate::java::find().context("Spark needs Java 17 or later; `just cluster spark` installs it")?;
    let folder = tempfile::tempdir().context("cannot create a folder for Spark")?;
    let place = folder.path();
    let class = |name: &str, arguments: &[&str]| {
        let mut command = command(&home, &java, place, "spark-class");
        command.arg(name).args(["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]).args(arguments);
        command
    };

    let master = class("org.apache.spark.deploy.master.Master", &[]);
    let mut services = vec![Service::start("master", false, &master, place)?];
    let url = services[0].await_line(until, |line| Some(line.split_once("Starting Spark master at ")?.1.to_owned()));
    let url = url.await?;

    let workers = setup.workers();
    for nth in 0..workers {
        // The first workers get the cores that are left over.
        let cores = (setup.cores / workers + u32::from(nth < setup.cores % workers)).max(1).to_string();
        let arguments = ["--cores", &cores, "--memory", WORKER_MEMORY, &url];
        let worker = class("org.apache.spark.deploy.worker.Worker", &arguments);
        services.push(Service::start(&format!("worker {}", nth + 1), true, &worker, place)?);
    }

    let mut connect = command(&home, &java, place, "spark-submit");
    connect.args(["--master", &url, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]);
    let parallelism = setup.cores.to_string();
    for (name, value) in [
        ("spark.connect.grpc.binding.address", "127.0.0.1"),
        ("spark.connect.grpc.binding.port", "0"),
        ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.bindAddress", "127.0.0.1"),
        ("spark.ui.enabled", "false"),
        ("spark.executor.memory", "1g"),
        ("spark.sql.shuffle.partitions", &parallelism),
    ] {
        connect.arg("--conf").arg(format!("{name}={value}"));
    }
    connect.arg("spark-internal");
    let mut server = Service::start("connect server", false, &connect, place)?;
    let address = server.await_line(until, |line| {
        let place = line.split_once("Spark Connect server started at: ")?.1;
        Some(format!("sc://{}", place.trim()))
    });
    let address = address.await?;
    services.push(server);
    for worker in services.iter_mut().filter(|service| service.works()) {
        worker.await_line(until, |line| line.contains("Successfully registered with master").then(String::new)).await?;
    }
    Ok(Running { services, address, _folder: folder })
}
