# Who may do what. Nobody has a key: the server is what Cloud Run says it is, people log in as themselves.

resource "google_service_account" "server" {
  account_id   = "${local.short}-server"
  display_name = "${local.service}: answers"
}

resource "google_service_account" "trainer" {
  account_id   = "${local.short}-trainer"
  display_name = "${local.service}: trains, promotes, monitors"
}

resource "google_storage_bucket_iam_member" "server_reads_models" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.server.member
}

resource "google_storage_bucket_iam_member" "server_adds_predictions" {
  bucket = google_storage_bucket.logs.name
  role   = "roles/storage.objectCreator" # it adds files, and reads or changes none
  member = google_service_account.server.member
}

resource "google_secret_manager_secret_iam_member" "server_reads_key" {
  secret_id = google_secret_manager_secret.api_key.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.server.member
}

resource "google_storage_bucket_iam_member" "trainer_writes_models" {
  bucket = google_storage_bucket.models.name
  role   = "roles/storage.objectUser"
  member = google_service_account.trainer.member
}

resource "google_storage_bucket_iam_member" "trainer_reads_predictions" {
  bucket = google_storage_bucket.logs.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.trainer.member
}
