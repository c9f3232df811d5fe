# GitLab CI deploys without a key: it shows the token of a job, and Google lends it an account for an hour.
# Only jobs of this repository's branch main are taken.

variable "repository" {
  description = "group/name of the project on GitLab"
  type        = string
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = "gitlab"
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.project_path"
  }
  attribute_condition = "assertion.project_path == '${var.repository}' && assertion.ref == 'main' && assertion.ref_type == 'branch'"
  oidc {
    issuer_uri = "https://gitlab.com"
  }
}
