# As whom CI deploys: it may push images, and replace the service as the server's account. Who is taken for CI: ci.tf.

resource "google_iam_workload_identity_pool" "ci" {
  workload_identity_pool_id = "${local.short}-ci"
  depends_on                = [google_project_service.needed]
}

resource "google_service_account" "deployer" {
  account_id   = "${local.short}-deploy"
  display_name = "${local.service}: deploys, from CI"
}

resource "google_service_account_iam_member" "ci_is_deployer" {
  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/attribute.repository/${var.repository}"
}

resource "google_artifact_registry_repository_iam_member" "deployer_pushes" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.deployer.member
}

resource "google_project_iam_member" "deployer_deploys" {
  project = local.project
  role    = "roles/run.developer"
  member  = google_service_account.deployer.member
}

resource "google_service_account_iam_member" "deployer_lets_it_run_as_server" {
  service_account_id = google_service_account.server.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

output "provider" {
  description = "the audience that CI asks its token for"
  value       = google_iam_workload_identity_pool_provider.ci.name
}

output "deployer" {
  description = "as whom CI deploys"
  value       = google_service_account.deployer.email
}
