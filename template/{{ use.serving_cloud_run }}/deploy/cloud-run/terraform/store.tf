# Where models and predictions lie, and where images come from.

resource "google_storage_bucket" "models" {
  name                        = "${local.project}-${local.short}-models"
  location                    = local.stage.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  versioning {
    enabled = true # the registry's history is never overwritten, and what is deleted by mistake can come back
  }
  lifecycle_rule {
    condition {
      num_newer_versions         = 3
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_storage_bucket" "logs" {
  name                        = "${local.project}-${local.short}-logs"
  location                    = local.stage.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  lifecycle_rule {
    condition {
      age = 365 # days that predictions are kept: what the data may hold decides
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_artifact_registry_repository" "images" {
  repository_id = local.service
  location      = local.stage.region
  format        = "DOCKER"
  cleanup_policies {
    id     = "keep-some"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "7776000s" # 90 days
    }
  }
  depends_on = [google_project_service.needed]
}

# The key that callers send. Its value is added by hand and never stands in Terraform's state.
resource "google_secret_manager_secret" "api_key" {
  secret_id = "${local.service}-api-key"
  replication {
    auto {}
  }
  depends_on = [google_project_service.needed]
}
