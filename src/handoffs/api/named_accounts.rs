//! Named accounts: who owns an account whatever territory it lies in.

super::entries::operations! {
    NamedAccount of NamedAccountFile, one "a named account", all "named accounts",
    list "/v1/named-accounts" as "list_named_accounts", path "/v1/named-accounts/{id}" as "get_named_account", "put_named_account", "delete_named_account",
    id "The account's id or its domain, in lower case."
}
