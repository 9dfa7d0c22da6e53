//! The messages of Spark Connect that one query needs, with the field numbers of Spark's public definitions.
//!
//! Written by hand, because the definitions need `protoc` and have some hundred messages. A server ignores absent
//! fields, and we ignore unknown ones.

use std::collections::HashMap;

/// The user of a session. A server separates sessions by user.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UserContext {
    #[prost(string, tag = "1")]
    pub(crate) user_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExecutePlanRequest {
    /// A UUID.
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub(crate) plan: Option<Plan>,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
}

/// A plan whose root is a relation; commands are left out.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Plan {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) root: Option<Box<Relation>>,
}

/// What produces rows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Relation {
    #[prost(message, optional, tag = "1")]
    pub(crate) common: Option<RelationCommon>,
    #[prost(oneof = "RelationKind", tags = "2, 9")]
    pub(crate) kind: Option<RelationKind>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RelationCommon {
    #[prost(int64, optional, tag = "2")]
    pub(crate) plan_id: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum RelationKind {
    #[prost(message, tag = "2")]
    Read(Read),
    #[prost(message, tag = "9")]
    Aggregate(Box<Aggregate>),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Read {
    #[prost(message, optional, tag = "2")]
    pub(crate) data_source: Option<DataSource>,
}

/// Files in a format, with the schema and the options of its reader.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataSource {
    #[prost(string, optional, tag = "1")]
    pub(crate) format: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) schema: Option<String>,
    #[prost(map = "string, string", tag = "3")]
    pub(crate) options: HashMap<String, String>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) paths: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Aggregate {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) input: Option<Box<Relation>>,
    /// [`GROUP_BY`].
    #[prost(int32, tag = "2")]
    pub(crate) group_type: i32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) grouping_expressions: Vec<Expression>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) aggregate_expressions: Vec<Expression>,
}

/// `GROUP_TYPE_GROUPBY`.
pub(crate) const GROUP_BY: i32 = 1;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Expression {
    #[prost(oneof = "ExpressionKind", tags = "2, 3")]
    pub(crate) kind: Option<ExpressionKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum ExpressionKind {
    #[prost(message, tag = "2")]
    Attribute(Attribute),
    #[prost(message, tag = "3")]
    Function(Function),
}

/// A column, by its name.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Function {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) arguments: Vec<Expression>,
}

/// One message of the answer's stream. Messages of other kinds, such as progress, have no batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExecutePlanResponse {
    #[prost(message, optional, tag = "2")]
    pub(crate) arrow_batch: Option<ArrowBatch>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ArrowBatch {
    #[prost(int64, tag = "1")]
    pub(crate) row_count: i64,
    /// A stream in Arrow's IPC format.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) data: Vec<u8>,
}

/// Asks for the version of the engine, if `spark_version` is given.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AnalyzePlanRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(message, optional, tag = "10")]
    pub(crate) spark_version: Option<Empty>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AnalyzePlanResponse {
    #[prost(message, optional, tag = "8")]
    pub(crate) spark_version: Option<SparkVersion>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SparkVersion {
    #[prost(string, tag = "1")]
    pub(crate) version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReleaseSessionRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Empty {}
