//! Roles: who is told what handoff types say to a role.

super::entries::operations! {
    Role of RoleFile, one "a role", all "roles",
    list "/v1/roles" as "list_roles", path "/v1/roles/{id}" as "get_role", "put_role", "delete_role",
    id "The role, such as `sales_manager`."
}
