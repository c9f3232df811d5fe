output "image" {
  description = "where `python3 run.py deploy` pushes images"
  value       = "${local.stage.region}-docker.pkg.dev/${local.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "store" {
  description = "what APP_STORE says where models are trained and promoted"
  value       = "${google_storage_bucket.models.url}/store"
}

output "server" {
  description = "as whom the service runs"
  value       = google_service_account.server.email
}

output "trainer" {
  description = "as whom models are trained and promoted"
  value       = google_service_account.trainer.email
}
