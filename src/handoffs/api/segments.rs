//! Segments: where the accounts of a segment lead to.

super::entries::operations! {
    Segment of SegmentFile, one "a segment's rule", all "rules of segments",
    list "/v1/segments" as "list_segments", path "/v1/segments/{id}" as "get_segment", "put_segment", "delete_segment",
    id "The rule."
}
