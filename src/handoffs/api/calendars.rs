//! Calendars: when teams and reps work.

super::entries::operations! {
    Calendar of CalendarFile, one "a calendar", all "calendars",
    list "/v1/calendars" as "list_calendars", path "/v1/calendars/{id}" as "get_calendar", "put_calendar", "delete_calendar",
    id "The calendar."
}
