//! A session with an engine over Spark Connect: one query, and its answer.

use crate::messages::{
    Aggregate, AnalyzePlanRequest, AnalyzePlanResponse, Attribute, DataSource, Empty, ExecutePlanRequest,
    ExecutePlanResponse, Expression, ExpressionKind, Function, GROUP_BY, Plan, Read, Relation, RelationCommon,
    RelationKind, ReleaseSessionRequest, UserContext,
};
use anyhow::{Context, Result, bail, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use http::uri::PathAndQuery;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

/// The largest message that is read. An engine sends its answer in batches of a few megabytes.
const LARGEST: usize = 256 << 20;

/// A session with one engine.
pub struct Session {
    client: Grpc<Channel>,
    id: String,
}

impl Session {
    /// Opens a session with the engine at an address such as `sc://127.0.0.1:15002`.
    ///
    /// # Errors
    /// When the address is malformed, or nothing accepts a connection there.
    pub async fn open(address: &str) -> Result<Self> {
        let place = address.strip_prefix("sc://").context("an address starts with sc://, as in sc://host:15002")?;
        let place = place.trim_end_matches('/');
        ensure!(!place.contains(['/', ';']), "{address}: parameters after the port are not supported");
        let endpoint =
            Endpoint::from_shared(format!("http://{place}")).with_context(|| format!("not an address: {address}"))?;
        let channel = endpoint.connect_timeout(Duration::from_secs(10)).connect().await;
        let channel = channel.with_context(|| format!("no engine answers at {address}"))?;
        Ok(Session { client: Grpc::new(channel).max_decoding_message_size(LARGEST), id: uuid() })
    }

    /// The engine's version. The answer shows that the engine has opened the session.
    ///
    /// # Errors
    /// When the engine does not answer, or reports an error.
    pub async fn version(&mut self) -> Result<String> {
        let request =
            AnalyzePlanRequest { session_id: self.id.clone(), user_context: user(), spark_version: Some(Empty {}) };
        let response: AnalyzePlanResponse = self.unary("AnalyzePlan", request).await?;
        Ok(response.spark_version.context("the engine does not report its version")?.version)
    }

    /// The totals of every word of the 1-gram file at `path`, which the engine reads.
    ///
    /// # Errors
    /// When the engine reports an error or is lost, or when its answer has another form.
    pub async fn word_totals(&mut self, path: &Path) -> Result<Totals> {
        let request = ExecutePlanRequest {
            session_id: self.id.clone(),
            user_context: user(),
            plan: Some(word_totals(path)?),
            client_type: Some("goldilocks".to_owned()),
        };
        self.client.ready().await?;
        let codec = ProstCodec::<ExecutePlanRequest, ExecutePlanResponse>::default();
        let stream = self.client.server_streaming(Request::new(request), method("ExecutePlan"), codec).await?;
        let mut stream: Streaming<ExecutePlanResponse> = stream.into_inner();
        let mut totals = Totals::default();
        while let Some(response) = stream.message().await? {
            let Some(batch) = response.arrow_batch else { continue };
            let before = totals.lines.len();
            for rows in arrow_ipc::reader::StreamReader::try_new(Cursor::new(batch.data), None)? {
                totals.add(&rows?)?;
            }
            let (rows, said) = (totals.lines.len() - before, batch.row_count);
            ensure!(i64::try_from(rows) == Ok(said), "the engine sent {rows} rows in a batch of {said}");
        }
        Ok(totals)
    }

    /// Ends the session, so that the engine frees what it holds for it.
    ///
    /// # Errors
    /// When the engine is lost.
    pub async fn release(mut self) -> Result<()> {
        let request = ReleaseSessionRequest { session_id: self.id.clone(), user_context: user() };
        self.unary::<_, Empty>("ReleaseSession", request).await.map(drop)
    }

    async fn unary<Q, A>(&mut self, name: &str, request: Q) -> Result<A>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.client.ready().await?;
        let codec = ProstCodec::<Q, A>::default();
        Ok(self.client.unary(Request::new(request), method(name), codec).await?.into_inner())
    }
}

/// Words with their totals, in any order.
#[derive(Default)]
pub struct Totals {
    /// Lines of `word TAB total`.
    lines: Vec<Vec<u8>>,
}

impl Totals {
    fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        ensure!(rows.num_columns() == 2, "the engine sent {} columns and not a word and a total", rows.num_columns());
        let (words, totals) = (rows.column(0), rows.column(1));
        let totals = totals.as_primitive_opt::<Int64Type>().context("the engine's totals are not 64-bit integers")?;
        ensure!(words.null_count() + totals.null_count() == 0, "the engine sent a word or a total that is null");
        let word = |nth| -> Result<&[u8]> {
            Ok(if let Some(words) = words.as_string_opt::<i32>() {
                words.value(nth).as_bytes()
            } else if let Some(words) = words.as_string_opt::<i64>() {
                words.value(nth).as_bytes()
            } else if let Some(words) = words.as_string_view_opt() {
                words.value(nth).as_bytes()
            } else {
                bail!("the engine's words are not strings but {}", words.data_type())
            })
        };
        for nth in 0..rows.num_rows() {
            self.lines.push([word(nth)?, b"\t", totals.value(nth).to_string().as_bytes()].concat());
        }
        Ok(())
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The sorted lines of `word TAB total LF`.
    pub fn sorted(mut self) -> Vec<u8> {
        self.lines.sort_unstable();
        self.lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect()
    }
}

/// A character that is in no word. If it were, the totals would differ from ours, which is an error.
const NOWHERE: &str = "\u{1}";

/// The plan: read the file as text with tabs, group by word, and add up the counts.
fn word_totals(path: &Path) -> Result<Plan> {
    let path = path.to_str().with_context(|| format!("{} is not Unicode, as an engine requires", path.display()))?;
    let options = [
        ("sep", "\t"),
        ("lineSep", "\n"),
        // Quotes and such are parts of words, and no word means that a value is missing. Without a quote, Sail takes `"`.
        ("quote", NOWHERE),
        ("nullValue", NOWHERE),
        ("mode", "FAILFAST"),
    ];
    let source = DataSource {
        format: Some("csv".to_owned()),
        schema: Some("word STRING, year INT, occurrences BIGINT, volumes BIGINT".to_owned()),
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        paths: vec![path.to_owned()],
    };
    let read = relation(0, RelationKind::Read(Read { data_source: Some(source) }));
    let aggregate = Aggregate {
        input: Some(Box::new(read)),
        group_type: GROUP_BY,
        grouping_expressions: vec![column("word")],
        aggregate_expressions: vec![expression(ExpressionKind::Function(Function {
            name: "sum".to_owned(),
            arguments: vec![column("occurrences")],
        }))],
    };
    Ok(Plan { root: Some(Box::new(relation(1, RelationKind::Aggregate(Box::new(aggregate))))) })
}

fn relation(plan_id: i64, kind: RelationKind) -> Relation {
    Relation { common: Some(RelationCommon { plan_id: Some(plan_id) }), kind: Some(kind) }
}

fn expression(kind: ExpressionKind) -> Expression {
    Expression { kind: Some(kind) }
}

fn column(name: &str) -> Expression {
    expression(ExpressionKind::Attribute(Attribute { name: name.to_owned() }))
}

fn user() -> Option<UserContext> {
    Some(UserContext { user_id: "goldilocks".to_owned() })
}

fn method(name: &str) -> PathAndQuery {
    let path = format!("/spark.connect.SparkConnectService/{name}");
    PathAndQuery::try_from(path).expect("a method's name has only letters")
}

/// A random UUID, as engines require for the name of a session.
fn uuid() -> String {
    let mut bits = fastrand::u128(..);
    bits = bits & !(0xf << 76) | 4 << 76;
    bits = bits & !(3 << 62) | 2 << 62;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
